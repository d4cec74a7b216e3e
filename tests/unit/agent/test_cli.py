"""The command line as a process: what it prints where, and how it exits."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from agent import __version__, cli
from agent.cli import COMMANDS, hybrid, main
from agent.cli.options import Call, common_options
from agent.exits import Exit
from sync.errors import ConfirmationNeeded, LocalDiskFull, Locked, NewerMailbox, Unauthorised, Unreachable

REPOSITORY = Path(cli.__file__).parents[2]


def shell(*words: str, cwd: Path = REPOSITORY, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **variables}
    command = [sys.executable, "-m", "agent", *words]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """A command named ``act`` that raises or returns what the test puts first into the list, and records calls."""
    script: list[object] = []

    @click.command()
    @click.argument("words", nargs=-1)
    @common_options
    def act(call: Call, words: tuple[str, ...]) -> object:
        outcome = script.pop(0) if script else None
        script.append(call)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(sys.modules[__name__], "act", act, raising=False)
    monkeypatch.setitem(sys.modules, "act_for_test", sys.modules[__name__])
    monkeypatch.setitem(COMMANDS, "act", ("act_for_test:act", "Act."))
    yield script


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_shows_examples(name: str) -> None:
    context = click.Context(hybrid)
    found = hybrid.get_command(context, name)
    assert isinstance(found, click.Command)
    shown = found.get_help(click.Context(found, info_name=name))
    assert "Examples:" in shown or isinstance(found, click.Group)
    options = {option for parameter in found.params for option in parameter.opts}
    assert isinstance(found, click.Group) or {"-C", "--json", "-q", "-v", "--no-progress"} <= options


def test_help_lists_all_commands_without_importing_them_or_anything_heavy() -> None:
    code = (
        "import sys; from agent.cli import main; main(['--help'])\n"
        "heavy = {'rich', 'pyarrow', 'paramiko', 'filelock', 'sqlite3', 'agent.cli.completion'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    for name, (_, summary) in COMMANDS.items():
        assert f"  {name} " in done.stdout and summary.split()[0] in done.stdout


def test_version_names_the_program() -> None:
    done = shell("--version")
    assert (done.returncode, done.stdout) == (0, f"hybrid {__version__}\n")


def test_mistyped_command_is_a_usage_error_with_a_guess() -> None:
    done = shell("complete")
    assert done.returncode == Exit.USAGE
    assert "Did you mean completion?" in done.stderr
    assert not done.stdout


def test_common_options_count_before_and_after_the_command(command: list[object], tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    here = Path.cwd()
    assert (
        main(["-C", str(tmp_path), "-v", "--json", "act", "-C", "a", "-v", "-q", "--no-progress", "x"]) == 0
    )
    [call] = command
    assert isinstance(call, Call)
    assert (call.json, call.quiet, call.verbose, call.bars) == (True, True, 2, False)
    assert Path.cwd() == here


def test_folder_of_dash_c_holds_for_the_whole_command(
    tmp_path: Path, command: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", str(tmp_path / "none"), "act"]) == Exit.USAGE
    assert "none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (None, 0),
        (3, 3),
        (Exit.WAITING, 13),
        (Unreachable("no answer"), 10),
        (Locked("held"), 11),
        (Unauthorised("refused"), 12),
        (ConfirmationNeeded("sure?"), 15),
        (NewerMailbox("from the future"), 16),
        (LocalDiskFull("full"), 17),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 17),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("oops"), 70),
        (BrokenPipeError(errno.EPIPE, "a socket, not our output"), 70),
    ],
)
def test_outcome_of_a_command_decides_the_exit_code(
    outcome: object, code: int, command: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    command.append(outcome)
    assert main(["act"]) == code
    captured = capsys.readouterr()
    assert not captured.out.strip()
    assert ("Traceback" in captured.err) == (code == Exit.BUG)


def test_error_is_one_sentence_and_a_hint(command: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    command.append(Unreachable("Nothing answers at \x1b[31mbox.", "look at its plug"))
    main(["act"])
    assert capsys.readouterr().err == "Error: Nothing answers at \\x1b[31mbox.\nTry: look at its plug\n"


def test_error_with_json_is_one_line_of_json_on_standard_error(
    command: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    command.append(NewerMailbox("It is newer.", "update"))
    main(["act", "--json"])
    captured = capsys.readouterr()
    assert json.loads(captured.err) == {
        "error": {"kind": "newer_mailbox", "message": "It is newer.", "hint": "update", "exit": 16}
    }
    main(["act", "--json", "--nope"])
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "usage"
    command[:] = [NewerMailbox("It is newer.", "update")]
    main(["--json", "act"])
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "newer_mailbox"
    for words in (["act", "--nope"], ["frobnicate"], ["-C", "/none", "act"]):
        main(["--json", *words])
        assert json.loads(capsys.readouterr().err)["error"]["kind"] == "usage"
    main(["act", "--nope", "--", "--json"])
    assert capsys.readouterr().err.startswith("Error: ")


def test_bug_asks_for_a_report_with_versions(
    command: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    command.append(ZeroDivisionError("oops"))
    main(["act", "--json"])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    error = json.loads(lines[-1])["error"]
    assert (error["kind"], error["exit"]) == ("bug", 70)
    assert "This is a bug in hybrid; please report it" in error["hint"]
    assert f"hybrid {__version__}" in error["hint"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell with pipes that break")
def test_reader_that_goes_away_ends_the_command_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "agent", "completion", "fish"],
            cwd=REPOSITORY,
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (Exit.FAILED, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_is_reported_as_such() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agent", "completion", "fish"],
            cwd=REPOSITORY,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == Exit.DISK_FULL
    assert done.stderr.startswith("Error: There is no room left")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(name: str) -> None:
    done = shell("completion", name)
    assert done.returncode == 0
    assert "_HYBRID_COMPLETE" in done.stdout


def test_completion_knows_commands_and_their_options() -> None:
    variables = {"_HYBRID_COMPLETE": "bash_complete", "_HYBRID_BREAKS": ""}
    done = shell(**variables, COMP_LINE="hybrid comp")
    assert "plain,completion" in done.stdout
    done = shell(**variables, COMP_LINE="hybrid completion --no-p")
    assert "plain,--no-progress" in done.stdout


def test_foreign_package_in_the_way_is_named_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "sync").mkdir()
    (tmp_path / "sync" / "__init__.py").write_text("raise SystemExit('a stranger ran')")
    done = shell("--version", cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert str(tmp_path / "sync" / "__init__.py") in done.stderr
    assert "stranger" not in done.stderr


def test_module_runs_isolated_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "sync").mkdir()
    (tmp_path / "sync" / "__init__.py").write_text("raise SystemExit('a stranger ran')")
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"]
    command[-1] += (
        "import runpy; sys.argv = ['agent', '--version']; runpy.run_module('agent', run_name='__main__')"
    )
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"hybrid {__version__}\n")
