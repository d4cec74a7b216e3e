"""Everyday bad input through the real command: one sentence what and where, one what to do, the exit code, no trace."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.laptop import Answer, Laptop
from tests.support.sshd import Sshd, make_key, running_sshd


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path / "laptop")
    laptop.hybrid("init", "--name", "bad-days", "--remote", f"folder:{tmp_path / 'mailbox'}")
    laptop.write("a.py", "print('here')\n")
    return laptop


@pytest.fixture
def server(tmp_path: Path):
    with running_sshd(tmp_path / "sshd") as sshd:
        yield sshd


def _told(answer: Answer, *words: str) -> None:
    """The error names ``words``, and is followed by what to do."""
    lines = answer.err.strip().splitlines()
    error = next(number for number, line in enumerate(lines) if line.startswith("Error: "))
    assert any(line.startswith("Try: ") for line in lines[error:]), answer.err
    for word in words:
        assert word in answer.err, (word, answer.err)


def _edit(laptop: Laptop, old: str, new: str) -> None:
    path = laptop.project / "hybrid.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_unknown_scheme(laptop: Laptop, tmp_path: Path) -> None:
    _edit(laptop, f"folder:{tmp_path / 'mailbox'}", "gopher:hole")
    _told(laptop.hybrid("push", expect=2), "gopher", "sftp://")


def test_a_typo_in_hybrid_toml(laptop: Laptop) -> None:
    _edit(laptop, "[remote]", "[remote]\nidentitty = 'x'")
    _told(laptop.hybrid("push", expect=2), "hybrid.toml", "identitty", "identity")


def test_no_such_host(laptop: Laptop, tmp_path: Path) -> None:
    _edit(laptop, f"folder:{tmp_path / 'mailbox'}", "sftp://nobody@no-such-host.invalid/x")
    _told(laptop.hybrid("push", expect=10), "no-such-host.invalid")


def test_nothing_answers_there(laptop: Laptop, server: Sshd) -> None:
    laptop.init_ssh(server)
    server.stop()
    _told(laptop.hybrid("push", expect=10), "127.0.0.1", str(server.port))


def test_a_wrong_key(laptop: Laptop, server: Sshd, tmp_path: Path) -> None:
    laptop.init_ssh(server)
    _edit(laptop, str(server.key), str(make_key(tmp_path / "other_key")))
    _told(laptop.hybrid("push", expect=12), server.user, "other_key")


def test_an_unknown_host_key_shows_its_fingerprint(laptop: Laptop, server: Sshd) -> None:
    laptop.init_ssh(server)
    known, shown = server.known_hosts, server.known_hosts.read_text()
    printed = subprocess.run(
        ["ssh-keygen", "-lf", str(known)], capture_output=True, text=True, check=True
    ).stdout
    known.write_text("")
    _told(laptop.hybrid("push", expect=12), printed.split()[1])
    known.write_text(shown)
    laptop.hybrid("push")


def test_a_full_disk_under_the_mailbox(laptop: Laptop, tmp_path: Path) -> None:
    small = tmp_path / "mailbox"
    small.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if mounted:
        mounted = not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(small)], check=False
        ).returncode
    if not mounted:
        pytest.skip("only root on Linux can mount a small disk")
    try:
        laptop.hybrid("push")
        laptop.write("big.bin", os.urandom(2_000_000))
        _told(laptop.hybrid("push", expect=10), str(small))
        (laptop.project / "big.bin").unlink()
        laptop.write("b.py", "print('goes')\n")
        laptop.hybrid("push")
    finally:
        subprocess.run(["umount", str(small)], check=True)


test_a_full_disk_under_the_mailbox = pytest.mark.platform(test_a_full_disk_under_the_mailbox)


def test_a_vanished_project_folder(laptop: Laptop) -> None:
    shutil.rmtree(laptop.project)
    done = subprocess.run(
        [sys.executable, "-m", "agent", "-C", str(laptop.project), "push"],
        cwd=laptop.home,
        env=laptop.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    _told(Answer(done.returncode, done.stdout, done.stderr), str(laptop.project))
    assert not laptop.project.exists()


def test_a_newer_mailbox(laptop: Laptop, tmp_path: Path) -> None:
    laptop.hybrid("push")
    from sync.mailbox import records

    path = next((tmp_path / "mailbox").glob("*/format.json"))
    path.unlink()
    path.write_bytes(records.seal({"version": 99, "mailbox": "x" * 16}))
    before = _files(tmp_path / "mailbox")
    laptop.write("a.py", "print('changed')\n")
    _told(laptop.hybrid("push", expect=16), "newer", "Update hybrid")
    _told(laptop.hybrid("status", expect=16), "newer")
    assert _files(tmp_path / "mailbox") == before


def test_a_corrupt_pack_is_never_used(laptop: Laptop, tmp_path: Path) -> None:
    laptop.write(
        "write.py", "import os; open(os.environ['HYBRID_OUTPUT'] + '/data', 'wb').write(os.urandom(300_000))"
    )
    started = laptop.hybrid("run", "--json", "--", sys.executable, "write.py").json
    folder = next((tmp_path / "mailbox").glob(f"*/runs/{started['run']}"))
    laptop.until(started["run"], "done")
    laptop.hybrid("down")
    damaged = max([*folder.glob("*.pack"), *folder.glob("*.snap")], key=lambda path: path.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.chmod(0o600)
    damaged.write_bytes(content)
    answer = laptop.hybrid("pull", started["run"], expect=3)
    assert "does not match" in answer.err + answer.out, answer.err
    assert not (laptop.project / "outputs" / started["run"] / "data").exists()
    # A new runner sees that the outputs are not whole, and makes them again.
    laptop.hybrid("up")
    while len(list(folder.glob("*.done-*"))) < 2:
        assert laptop.hybrid("status", started["run"]).out
    laptop.hybrid("pull", started["run"])
    assert (laptop.project / "outputs" / started["run"] / "data").stat().st_size == 300_000
    laptop.hybrid("down")


def test_a_run_over_what_is_not_there(laptop: Laptop) -> None:
    laptop.hybrid("push")
    _told(laptop.hybrid("run", "--over", "nothing.jsonl", "--", "true", expect=2), "nothing.jsonl")
    laptop.write(".gitignore", "held.jsonl\n")
    laptop.write("held.jsonl", "{}\n")
    _told(laptop.hybrid("run", "--over", "held.jsonl", "--", "true", expect=2), 'include = ["held.jsonl"]')
    _told(laptop.hybrid("run", "evaluate", expect=2), "evaluate", "hybrid run --")
    _told(laptop.hybrid("run", "--on", "mars", "--", "true", expect=2), "mars", "ssh:HOST")
    assert laptop.hybrid("status", "--json").json["runs"] == []


def test_a_set_up_that_fails_is_a_state_of_its_own(laptop: Laptop) -> None:
    words = ["--setup", "echo installing; exit 7", "--wait", "--json", "--", "true"]
    failed = laptop.hybrid("run", *words, expect=None)
    assert failed.code in (1, 13) and failed.json["phase"] == "setup failed", failed
    assert failed.json["setup"]["exit"] == 7 and failed.json["setup"]["log"] == "installing\n"
    assert "installing" in laptop.hybrid("logs", failed.json["run"]).out
    laptop.hybrid("down")


def _files(top: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in top.rglob("*") if path.is_file()}
