"""The next large file is open before its content is there, and leaves nothing behind where none comes."""

import itertools
from collections.abc import Callable

import pytest

from sync.ssh.sftp import SftpSession
from sync.ssh.sftp_drafts import Draft
from sync.ssh.sftp_packets import SftpStatus
from tests.support.sftp_script import (
    CLOSE,
    HANDLE,
    OPEN,
    REMOVE,
    RENAME,
    WRITE,
    Server,
    done,
    packet,
    s,
    status,
)

LARGE = bytes(1024 * 1024)


def names() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"packs/{next(numbers)}"


class Recording(Server):
    """removed   the paths that it was told to remove
    handles   those that are open
    """

    def __init__(self, refused: str = "") -> None:
        self.removed: list[str] = []
        self.handles: set[bytes] = set()

        def opened(number: int, body: bytes) -> bytes:
            path = body[4 : 4 + int.from_bytes(body[:4], "big")]
            if path.decode() == refused:
                return status(number, 4)
            self.handles.add(path)
            return packet(HANDLE, number, s(path))

        def close(number: int, body: bytes) -> bytes:
            self.handles.remove(body[4:])
            return status(number, 0)

        def remove(number: int, body: bytes) -> bytes:
            self.removed.append(body[4:].decode())
            return status(number, 0)

        super().__init__({OPEN: opened, CLOSE: close, REMOVE: remove, WRITE: done, RENAME: done})


@pytest.fixture
def server() -> Recording:
    return Recording()


@pytest.fixture
def session(server: Server) -> SftpSession:
    return server.session()


def test_the_next_file_is_opened_before_the_content_of_the_one_before_it(
    server: Server, session: SftpSession
) -> None:
    fresh = names()
    first = session.draft("packs", fresh, len(LARGE))
    second = session.draft("packs", fresh, len(LARGE))
    session.write_new(first, LARGE)
    asked = len(server.asked)
    session.write_new(second, LARGE)
    assert server.asked[asked] == WRITE
    assert server.asked[: server.asked.index(WRITE)].count(OPEN) == 3


def test_what_was_opened_for_nothing_is_removed_behind_the_last(
    server: Recording, session: SftpSession
) -> None:
    fresh = names()
    drafts = [session.draft("packs", fresh, len(LARGE)) for _ in range(2)]
    for draft in drafts:
        assert server.removed == []
        session.write_new(draft, LARGE)
    for draft in drafts:
        session.rename(draft.path, f"{draft.path}.pack")
    session.rename("any", "other")
    assert len(server.removed) == 1
    assert server.removed[0] not in [draft.path for draft in drafts]
    assert server.handles == set()
    assert session.wire.is_quiet


def test_small_files_open_nothing_ahead_and_take_what_is_open(server: Server, session: SftpSession) -> None:
    fresh = names()
    session.write_new(session.draft("packs", fresh, 10), bytes(10))
    assert server.asked.count(OPEN) == 1
    large = session.draft("packs", fresh, len(LARGE))
    elsewhere = session.draft("snapshots", lambda: "snapshots/0", 10)
    small = session.draft("packs", fresh, 10)
    assert elsewhere.opening is None
    assert small.opening is not None
    for draft, data in ((elsewhere, bytes(10)), (small, bytes(10)), (large, LARGE)):
        session.write_new(draft, data)
    assert server.asked.count(REMOVE) == 0


def test_a_file_that_could_not_be_opened_ahead_fails_only_who_takes_it() -> None:
    server = Recording(refused="packs/1")
    session = server.session()
    fresh = names()
    first = session.draft("packs", fresh, len(LARGE))
    second = session.draft("packs", fresh, len(LARGE))
    by_path: dict[str, Draft] = {draft.path: draft for draft in (first, second)}
    with pytest.raises(SftpStatus, match="said"):
        session.write_new(by_path.pop("packs/1"), LARGE)
    [good] = by_path.values()
    session.write_new(good, LARGE)
    assert session.wire.failure is None
