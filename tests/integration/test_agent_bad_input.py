"""A real agent on bad days of its machine: each is stated in ``hybrid agent status``, and nothing is lost."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.tell.status import AWAY, HELD, WATCHING
from tests.independent_reader.__main__ import restore
from tests.independent_reader.snapshots import Snapshot
from tests.support.at_work import AtWork, at_work, until
from tests.support.laptop import Laptop
from tests.support.small_disk import small_disk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="other permissions, other watchers"),
]

PROJECT = "project-test"


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    made = Laptop(tmp_path)
    made.write("hybrid.toml", f'[project]\nid = "{PROJECT}"\n[remote]\nurl = "folder:{tmp_path}/mail"\n')
    made.write("src/a.py", "a = 1\n")
    made.write("README", "read\n")
    return made


@pytest.fixture
def agent(laptop: Laptop) -> Iterator[AtWork]:
    with at_work(laptop, PROJECT) as found:
        yield found


def there(laptop: Laptop) -> dict[str, bytes]:
    """The files of the newest snapshot, as a stranger reads them; nothing where there is none."""
    mailbox = laptop.home / "mail" / PROJECT
    names = sorted(path.name for path in (mailbox / "snapshots").glob("*.snap"))
    if not names:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch, "tree")
        restore(Snapshot(mailbox, f"snapshots/{names[-1]}"), target)
        found = [path for path in target.rglob("*") if path.is_file()]
        return {path.relative_to(target).as_posix(): path.read_bytes() for path in found}


def comes(laptop: Laptop, path: str, content: str | None, limit: float = 60) -> None:
    wanted = None if content is None else content.encode()
    until(lambda: there(laptop).get(path) == wanted, f"{path} = {content!r} in the mailbox", limit)


def shown(laptop: Laptop) -> str:
    return laptop.hybrid("agent", "status").out


def test_unreadable_files_are_named_and_the_rest_is_published(laptop: Laptop, agent: AtWork) -> None:
    laptop.program = "tests.support.mortal_agent"
    laptop.write("closed.txt", "closed\n").chmod(0)
    laptop.write("folder/inside", "inside\n").parent.chmod(0)
    agent.start()
    comes(laptop, "src/a.py", "a = 1\n")
    agent.until(lambda status: len(status["problems"]) == 2, "both problems")
    assert "closed.txt cannot be read" in shown(laptop) and "folder cannot be read" in shown(laptop)
    (laptop.project / "closed.txt").chmod(0o644)
    (laptop.project / "folder").chmod(0o755)
    comes(laptop, "closed.txt", "closed\n")
    comes(laptop, "folder/inside", "inside\n")
    laptop.write("src/a.py", "a = 2\n")
    comes(laptop, "src/a.py", "a = 2\n")
    agent.until(lambda status: status["problems"] == [], "nothing to skip any more")


def test_root_that_is_deleted_and_comes_back_is_watched_again(laptop: Laptop, agent: AtWork) -> None:
    agent.start()
    comes(laptop, "src/a.py", "a = 1\n")
    copy = laptop.home / "copy"
    shutil.copytree(laptop.project, copy, ignore=shutil.ignore_patterns(".hybrid"))
    shutil.rmtree(laptop.project)
    status = agent.until(lambda status: status["state"] == AWAY, "away")
    assert [need["key"] for need in status["needs"]] == ["root"]
    (copy / "src" / "a.py").write_text("a = 2\n")
    copy.rename(laptop.project)
    comes(laptop, "src/a.py", "a = 2\n")
    agent.until(lambda status: status["state"] == WATCHING and not status["needs"], "watching")
    laptop.write("src/b.py", "b = 1\n")
    comes(laptop, "src/b.py", "b = 1\n", limit=10)
    assert there(laptop)["README"] == b"read\n"
    assert "Nothing has changed" in laptop.hybrid("push").out


def test_where_nothing_tells_of_changes_it_says_so_once_and_finds_them(laptop: Laptop, agent: AtWork) -> None:
    laptop.program = "tests.support.unwatched_agent"
    probe = [
        "unshare",
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        "echo 0 > /proc/sys/user/max_inotify_instances",
    ]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    agent.start()
    laptop.program = "agent"
    comes(laptop, "src/a.py", "a = 1\n")
    status = agent.until(lambda status: status["watch"] != "events", "polling")
    assert status["watch"].startswith("polling, because Linux allows you only ")
    assert "polling" in shown(laptop) and "sudo sysctl fs.inotify.max_user_instances=" in shown(laptop)
    laptop.write("src/a.py", "a = 2\n")
    comes(laptop, "src/a.py", "a = 2\n", limit=30)
    (laptop.project / "README").unlink()
    comes(laptop, "README", None, limit=30)
    assert agent.log().count("sudo sysctl") <= 1


def test_bad_pattern_in_an_ignore_file_is_named_with_its_line(laptop: Laptop, agent: AtWork) -> None:
    laptop.write(".hybridignore", "*.tmp\n\n[z-\n!\\\n")
    laptop.write("x.tmp", "x")
    agent.start()
    comes(laptop, "src/a.py", "a = 1\n")
    assert "x.tmp" not in there(laptop)
    agent.until(lambda status: status["problems"], "the bad pattern")
    assert ".hybridignore line 3: '[z-' never matches: a bracket is not closed." in shown(laptop)
    laptop.write(".hybridignore", "*.tmp\n")
    agent.until(lambda status: status["problems"] == [], "nothing to complain of")


def test_full_disk_in_the_state_folder_is_told_and_nothing_is_lost(laptop: Laptop, agent: AtWork) -> None:
    with small_disk(laptop.project / ".hybrid", 4) as disk:
        agent.start()
        comes(laptop, "src/a.py", "a = 1\n")
        disk.leave(0)
        disk.leave_files(0)
        for number in range(50):
            laptop.write(f"src/{number}.py", f"{number}\n")
        status = agent.until(lambda status: status["state"] == HELD and status["needs"], "no room")
        assert [need["key"] for need in status["needs"]] == ["disk"]
        assert "this machine's disk is full" in shown(laptop)
        disk.make_room()
        laptop.write("src/a.py", "a = 2\n")
        comes(laptop, "src/a.py", "a = 2\n")
        comes(laptop, "src/49.py", "49\n")
        agent.until(lambda status: status["state"] == WATCHING and not status["needs"], "watching")
        laptop.hybrid("agent", "stop")


def test_agents_and_commands_at_once_do_not_step_on_each_other(laptop: Laptop, agent: AtWork) -> None:
    """Two who start it, one more in the foreground, and pushes and collections, while files are saved."""
    laptop.write(
        "hybrid.toml", (laptop.project / "hybrid.toml").read_text() + "[keep]\nsnapshots = 2\ndays = 0\n"
    )
    agent.start()
    assert laptop.hybrid("agent", "start", "--json").json["started"] is False
    laptop.hybrid("agent", "run", expect=11)
    codes = []
    for number in range(12):
        laptop.write("src/a.py", f"a = {number}\n")
        laptop.write(f"src/b{number % 5}.py", "b" * 50_000 * (number % 3) + str(number))
        word = ("push", "gc", "status")[number % 3]
        codes.append((word, laptop.hybrid(word, expect=None).code))
    assert all(code in (0, 11) for _, code in codes), codes
    assert sum(code == 0 for _, code in codes) > len(codes) / 2, codes
    comes(laptop, "src/a.py", "a = 11\n")
    wanted = {path.name: path.read_bytes() for path in (laptop.project / "src").iterdir()}
    assert {path[4:]: data for path, data in there(laptop).items() if path.startswith("src/")} == wanted
    agent.until(lambda status: status["state"] == WATCHING and not status["waiting"], "rest")
    assert laptop.hybrid("push", "--check", "--json").json["missing"] == []
    laptop.hybrid("agent", "stop")
    assert laptop.hybrid("push", "--json").json["pushed"] is False
