"""What the documents promise: links lead somewhere, commands exist as they are written, the tables are true."""

import re
import shlex
from pathlib import Path

import click
import pytest

from agent.cli import COMMANDS, hybrid
from agent.exits import MEANINGS

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted(
    page
    for top in (REPOSITORY.glob("*.md"), REPOSITORY.glob("docs/**/*.md"), REPOSITORY.glob("examples/**/*.md"))
    for page in top
)
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]

_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that a Markdown viewer makes of the headings of ``page``."""
    headings = re.findall(r"^#+ +(.*?)\s*$", _BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> list[str]:
    """Every line of a code block that calls ``hybrid``, joined where a backslash continues it.

    Blocks marked ``text`` hold output and outlines, not commands.
    """
    found = []
    for block in _BLOCK.finditer(text):
        if block[2] not in ("text", "json", "toml", "python"):
            lines = block[3].replace("\\\n", " ").splitlines()
            found += [line.strip().removeprefix("$ ") for line in lines]
    return [line for line in found if line.startswith("hybrid ")]


def check(line: str) -> None:
    """Parses ``line`` as the shell and click would, without running it. Raises click.UsageError."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    end = next((at for at, word in enumerate(words) if set(word) <= set("();<>|&")), len(words))
    parse(hybrid, words[1:end], None, "hybrid")


def parse(command: click.Command, words: list[str], parent: click.Context | None, name: str) -> None:
    context = click.Context(command, info_name=name, parent=parent)
    if not isinstance(command, click.Group):
        command.make_parser(context).parse_args(words)
        return
    _, rest, _ = command.make_parser(context).parse_args(words)
    if rest:
        found_name, found, left = command.resolve_command(context, rest)
        assert found is not None and found_name is not None, f"no command {rest[0]}"
        parse(found, left, context, found_name)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_in_the_docs_exist_with_their_options(page: Path) -> None:
    for line in commands(page.read_text(encoding="utf-8")):
        try:
            check(line)
        except click.UsageError as error:
            pytest.fail(f"{page.name}: {line}: {error.format_message()}")


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_in_help_texts_exist_with_their_options(name: str) -> None:
    context = click.Context(hybrid)
    command = hybrid.get_command(context, name)
    assert command is not None
    for line in (command.help or "").replace("\\\n", " ").splitlines():
        if line.strip().startswith("hybrid "):
            check(line.strip())


@pytest.mark.parametrize("line", ["hybrid nonsense", "hybrid init --nonsense", "hybrid --nonsense init"])
def test_a_wrong_command_would_be_noticed(line: str) -> None:
    assert commands(f"```sh\n$ {line}\n```\n") == [line]
    with pytest.raises(click.UsageError):
        check(line)


def test_exit_codes_in_the_docs_are_those_of_the_program() -> None:
    text = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.split("## Exit codes")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", section, re.MULTILINE)
    assert rows == [(str(int(code)), meaning) for code, meaning in MEANINGS.items()]


def test_every_command_has_its_section_in_the_docs() -> None:
    text = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"## `hybrid {name}`" not in text] == []
