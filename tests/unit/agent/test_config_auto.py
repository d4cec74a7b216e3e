"""``[auto]`` and ``[agent]`` of ``hybrid.toml``."""

from pathlib import Path

import pytest

from agent.config import Config, ConfigError, parse


def read(text: str) -> Config:
    return parse('[project]\nid = "p"\n' + text, Path("/project/hybrid.toml"))


def test_what_the_agent_does_is_read() -> None:
    found = read(
        """
[auto]
run = "train"
on = ["src/**", "!*.md"]
grade = false

[run.train]
command = "python train.py"

[agent]
unpublished_hours = 12
"""
    )
    assert (found.auto.run, found.auto.on) == (("train",), ("src/**", "!*.md"))
    assert (found.auto.start, found.auto.pull, found.auto.grade) == (True, True, False)
    assert found.agent.unpublished_hours == 12


def test_without_a_word_nothing_is_queued_and_all_else_is_done() -> None:
    auto = read("").auto
    assert (auto.run, auto.on, auto.start, auto.pull, auto.grade) == ((), (), True, True, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[auto]\nrun = 'eval'", "4 auto.run names 'eval', and there is no [run.eval]; hybrid.toml has: none"),
        ("[auto]\nrun = ['a', 'b']\n[run.a]\ncommand = 'x'", "4 auto.run names 'b', and there is no [run.b]; hybrid.toml has: a"),
        ("[auto]\non = ['src/[a']", "4 auto.on must be a list of patterns as in .gitignore: 'src/[a' never matches: "),
        ("[auto]\nstart = 'yes'", '4 auto.start must be true or false, not "yes"'),
        ("[agent]\nunpublished_hours = 0", "4 agent.unpublished_hours must be a number above 0, not 0"),
    ],
)  # fmt: skip
def test_mistake_is_named_with_line_key_and_remedy(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    [found] = caught.value.complaints
    assert f"{found.line} {found.key} {found.what}".startswith(expected)
