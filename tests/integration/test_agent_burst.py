"""More files at once than the kernel has room to tell of: the agent ends with the exact tree all the same."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.remotes.folder import FolderRemote
from sync.store.reader import Reader
from tests.support.at_work import at_work, until
from tests.support.laptop import Laptop

FILES = 160_000
FOLDERS = 400
PROJECT = "burst"
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place, so that files come as fast as can be."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="hybrid-burst-", dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.skipif(not QUEUE.exists(), reason="only Linux has a queue of a known length")
def test_a_burst_that_overflows_the_queue_is_published_to_the_last_file(place: Path) -> None:
    assert int(QUEUE.read_text()) < FILES, "the burst is to overflow it"
    laptop = Laptop(place)
    laptop.write("hybrid.toml", f'[project]\nid = "{PROJECT}"\n[remote]\nurl = "folder:{place / "mail"}"\n')
    for n in range(FOLDERS):
        (laptop.project / f"d{n}").mkdir()
        (laptop.project / f"d{n}" / "first").touch()
    with at_work(laptop, PROJECT) as agent:
        agent.start()
        agent.until(lambda told: told["published"] and not told["waiting"], "the first publication")
        expected = _burst(laptop.project, random.Random(160_000))
        settled = agent.until(
            lambda told: told["published"]["files"] == len(expected) and not told["waiting"], "all files", 120
        )
        assert settled["state"] == "watching" and settled["watch"] == "events", settled
        assert "more changed at once than the system can tell" in agent.log(), "the queue did not overflow"
        assert _published(place / "mail", settled["published"]["snapshot"]) == expected
        # And what is saved from then on is heard of, in folders that were there and in those that came with the burst.
        for path in (b"d7/after", b"new-200/sub/after", b"new-319/sub/after"):
            (laptop.project / os.fsdecode(path)).write_bytes(b"after")
            expected[path] = 5
            until(lambda: agent.status()["published"]["files"] == len(expected), f"{path!r}")
        assert _published(place / "mail", agent.status()["published"]["snapshot"]) == expected


def _burst(root: Path, dice: random.Random) -> dict[bytes, int]:
    """Files made, renamed and removed as fast as it goes. The tree as it is then: path to size."""
    top = os.fsencode(root)
    sizes = {}
    for n in range(FILES):
        if n % 500 == 0 and n >= FILES // 2:
            os.makedirs(top + b"/new-%d/sub" % (n // 500))
        folder = b"d%d" % (n % FOLDERS) if n < FILES // 2 else b"new-%d/sub" % (n // 500)
        path = b"%s/f%d" % (folder, n)
        size = dice.randrange(3)
        descriptor = os.open(b"%s/%s" % (top, path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(descriptor, b"x" * size)
        os.close(descriptor)
        sizes[path] = size
    for path in dice.sample(sorted(sizes), 2000):
        os.rename(b"%s/%s" % (top, path), b"%s/%s-moved" % (top, path))
        sizes[path + b"-moved"] = sizes.pop(path)
    for path in dice.sample(sorted(sizes), 2000):
        os.unlink(b"%s/%s" % (top, path))
        del sizes[path]
    firsts = {b"d%d/first" % n: 0 for n in range(FOLDERS)}
    return {**sizes, **firsts, b"hybrid.toml": (root / "hybrid.toml").stat().st_size}


def _published(mail: Path, snapshot: str) -> dict[bytes, int]:
    reader = Reader(FolderRemote(str(mail)), PROJECT)
    return {entry.path: entry.size for entry in reader.entries(reader.root(snapshot))}
