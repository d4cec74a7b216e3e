"""The user unit: read again as systemd reads it, and shown to ``systemd-analyze`` where there is one."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.service import systemd
from agent.service.base import Remove, Service, Write, take

ODD = "we ird/100%h \"q\" 's' $HOME ${x} \\n \u00fc\u4e2d;#"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def service(*more: str, **variables: str) -> Service:
    command = (sys.executable, "-I", "-m", "agent", *more)
    return Service(project="plates-2", command=command, variables=variables, place=Path("/data/agents/p"))


def words(line: str) -> list[str]:
    """The words of a line as systemd takes them: quotes, escapes as in C, ``%%``."""
    found = []
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
        raw = re.sub(r"\\x([0-9a-f]{2})", lambda match: os.fsdecode(bytes.fromhex(match[1])), quoted)
        raw = re.sub(r'\\(["\\])', r"\1", raw)
        found.append(re.sub("%(.)", lambda match: {"%": "%"}.get(match[1], "?"), raw))
    return found


def test_program_with_a_name_that_systemd_does_not_take_is_started_all_the_same(tmp_path: Path) -> None:
    program = tmp_path / "a 'b' \\ $c"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    unit = systemd.unit(replace(service(), command=(str(program), "x $y", "z")))
    first, *rest = words(line(unit, "ExecStart"))
    done = subprocess.run([first.removeprefix(":"), *rest], capture_output=True, text=True, check=True)
    assert (first, done.stdout) == (":/bin/sh", "x $y\nz\n")


def line(unit: str, key: str) -> str:
    [found] = [each for each in unit.split("\n") if each.startswith(f"{key}=")]
    return found.partition("=")[2]


def test_unit_starts_the_agent_again_only_where_it_failed_and_leaves_its_runners_alone() -> None:
    unit = systemd.unit(service())
    for text in ("Restart=on-failure", "RestartPreventExitStatus=11", "KillMode=process", "Nice=10"):
        assert f"\n{text}\n" in unit
    assert "WantedBy=default.target" in unit


def test_words_with_odd_characters_arrive_as_they_are() -> None:
    unit = systemd.unit(service("-C", f"/home/{ODD}", "/a\nb\x7f", HYBRID_DATA_DIR=f"/d/{ODD}"))
    program, *rest = words(line(unit, "ExecStart"))
    assert program == f":{sys.executable}"
    assert rest == ["-I", "-m", "agent", "-C", f"/home/{ODD}", "/a\nb\x7f"]
    assert words(line(unit, "Environment")) == [f"HYBRID_DATA_DIR=/d/{ODD}"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\\")))
def test_any_word_is_one_line_and_can_be_read_again(word: str) -> None:
    shown = systemd.quoted(word)
    assert "\n" not in shown and words(shown) == [word]


def test_bytes_that_are_no_text_are_escaped() -> None:
    assert systemd.quoted(os.fsdecode(b"/a\xff")) == '"/a\\xff"'
    assert systemd.unit(service(os.fsdecode(b"/a\xff"))).encode("utf-8")


@pytest.mark.platform
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    odd = tmp_path / ODD
    odd.mkdir(parents=True)
    python = odd / "python3"
    python.symlink_to(sys.executable)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for command in (service("-C", str(odd)).command, (str(python), "-I", "-C", str(odd))):
        mine = replace(service(HYBRID_DATA_DIR=str(odd)), command=command)
        path = tmp_path / f"{mine.name}.service"
        path.write_bytes(systemd.unit(mine).encode("utf-8"))
        words = [program, "verify", "--user", "--man=no", str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    path.write_bytes(path.read_bytes().replace(b"Nice=10", b"Nice=1000"))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Nice" in done.stderr  # it would have seen it


def test_unit_is_written_where_the_user_keeps_settings_and_goes_without_a_trace(home: Path) -> None:
    mine = service()
    steps = systemd.install(mine)
    assert isinstance(steps[0], Write)
    left = take(steps, answers=False)
    path = home / "config" / "systemd" / "user" / "hybrid-plates-2.service"
    assert path.read_bytes() == steps[0].content
    assert [call.words[2] for call in left] == ["daemon-reload", "enable"]
    wanted = path.parent / "default.target.wants" / path.name
    wanted.parent.mkdir()
    wanted.symlink_to(path)
    for _ in range(2):
        take(systemd.uninstall(mine), answers=False)
        assert list(home.rglob("*")) == [home / "config"]


def test_what_others_have_there_stays(home: Path) -> None:
    other = systemd.folder() / "other.service"
    other.parent.mkdir(parents=True)
    other.touch()
    take(systemd.install(service()), answers=False)
    take(systemd.uninstall(service()), answers=False)
    assert sorted(systemd.folder().iterdir()) == [other]


def test_settings_are_in_the_home_folder_where_nothing_else_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CONFIG_HOME", value)
        assert systemd.folder() == Path.home() / ".config" / "systemd" / "user"
    assert any(isinstance(step, Remove) for step in systemd.uninstall(service()))
