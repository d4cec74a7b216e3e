"""``docs/config.md`` explains what ``hybrid.toml`` may say, with the defaults that hold."""

import dataclasses
import json
import re
from pathlib import Path

from agent import config
from agent.config import TABLES, NamedRun, parse
from agent.config_schema import kinds_of

DOCS = Path(config.__file__).parents[1] / "docs" / "config.md"


def test_docs_explain_exactly_the_settings_that_exist() -> None:
    documented: dict[str, set[str]] = {}
    table = ""
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## `\[+([a-z]+)(?:\.NAME)?\]", line):
            table = heading[1]
            documented.setdefault(table, set())
        elif row := re.match(r"\| `([a-z_]+)` \|", line):
            documented[table].add(row[1])
    schema = {name: set(kinds_of(nouns)) for name, nouns in TABLES.items()}
    schema["run"] |= set(kinds_of(NamedRun))
    assert documented == schema


def test_docs_give_the_defaults_that_hold() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for nouns in [*TABLES.values(), NamedRun]:
        for field in dataclasses.fields(nouns):
            if field.default not in (None, "", (), dataclasses.MISSING):
                shown = json.dumps(field.default)
                assert re.search(rf"\| `{field.name}` \|[^|]*\| `{shown}` \|", text), field.name


def test_examples_in_the_docs_are_valid() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 5
    for block in blocks:
        parse(
            block if "[project]" in block else f'[project]\nid = "p"\n{block}', Path("/project/hybrid.toml")
        )
