"""The promises of ``sync.remotes.base.Remote``, run against every implementation.

A subclass named ``Test...`` supplies the fixture ``remote``: an open remote whose root does not exist yet, and
``another``: a callable that opens one more client of the same storage. Both are closed by the fixture.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from sync.errors import NotFound
from sync.remotes.base import Remote, RemoteFile

FOLDER = "lab-plates/runs/r-7"
BIG = 20 * 1024 * 1024


def pattern(size: int) -> bytes:
    """Bytes in which every stretch differs, so that a piece put in the wrong place is noticed."""
    block = b"".join(sha256(i.to_bytes(4, "big")).digest() for i in range(2048))
    numbered = [block[: 65536 - 8] + i.to_bytes(8, "big") for i in range(size // 65536 + 1)]
    return b"".join(numbered)[:size]


class RemoteContract:
    @pytest.fixture
    def mailbox(self, remote: Remote) -> Remote:
        remote.make_folders([FOLDER])
        return remote

    def test_a_url_and_capabilities_are_there_before_any_connection(self, remote: Remote) -> None:
        assert ":" in remote.url
        assert remote.capabilities.pack_size > 0
        assert remote.capabilities.connections >= 1
        assert remote.capabilities.settle_s >= 0

    def test_a_mailbox_that_is_not_there_is_empty(self, remote: Remote) -> None:
        assert remote.list_files("") == []
        assert remote.list_folders("") == []
        assert remote.list_files("lab/packs") == []
        assert remote.list_folders("lab/packs") == []
        with pytest.raises(NotFound):
            remote.read("lab/format.json")

    def test_writing_makes_no_folders(self, remote: Remote) -> None:
        with pytest.raises(NotFound):
            remote.write("lab/format.json", b"{}")
        assert remote.list_folders("") == []

    def test_folders_are_made_with_their_parents_and_may_be_there_already(self, remote: Remote) -> None:
        remote.make_folders(["a/b/c", "a/d"])
        remote.make_folders(["a/b", "a/b/c", "e"])
        assert sorted(remote.list_folders("")) == ["a", "e"]
        assert sorted(remote.list_folders("a")) == ["b", "d"]
        assert remote.list_folders("a/b/c") == []
        assert remote.list_files("a") == []

    def test_no_folders_means_the_root_alone(self, remote: Remote) -> None:
        remote.make_folders([])
        assert remote.write("format.json", b"{}")
        assert remote.read("format.json") == b"{}"

    def test_what_was_written_is_read_back(self, mailbox: Remote) -> None:
        assert mailbox.write(f"{FOLDER}/spec.json", b"content") is True
        assert mailbox.read(f"{FOLDER}/spec.json") == b"content"

    @pytest.mark.parametrize("size", [0, 1, 4096, 32768, 32769, 261120, 261121, 1024 * 1024])
    def test_every_size_survives(self, mailbox: Remote, size: int) -> None:
        data = pattern(size)
        assert mailbox.write(f"{FOLDER}/x.pack", data)
        assert mailbox.read(f"{FOLDER}/x.pack") == data
        assert mailbox.list_files(FOLDER) == [RemoteFile("x.pack", size)]

    def test_a_large_file_survives_whole_and_in_parts(self, mailbox: Remote) -> None:
        data = pattern(BIG)
        assert mailbox.write(f"{FOLDER}/big.pack", data)
        assert sha256(mailbox.read(f"{FOLDER}/big.pack")).digest() == sha256(data).digest()
        assert mailbox.read(f"{FOLDER}/big.pack", BIG - 100) == data[-100:]
        middle = mailbox.read(f"{FOLDER}/big.pack", 5_000_001, 7_000_003)
        assert sha256(middle).digest() == sha256(data[5_000_001:12_000_004]).digest()

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, None, b"0123456789"),
            (0, 10, b"0123456789"),
            (0, 4, b"0123"),
            (3, 4, b"3456"),
            (3, None, b"3456789"),
            (8, 10, b"89"),
            *((offset, length, b"") for offset in (10, 99) for length in (5, None)),
            (4, 0, b""),
        ],
    )
    def test_a_range_is_what_the_file_has_of_it(
        self, mailbox: Remote, offset: int, length: int | None, expected: bytes
    ) -> None:
        mailbox.write(f"{FOLDER}/f", b"0123456789")
        assert mailbox.read(f"{FOLDER}/f", offset, length) == expected

    def test_a_missing_file_is_not_found(self, mailbox: Remote) -> None:
        with pytest.raises(NotFound) as caught:
            mailbox.read(f"{FOLDER}/nothing")
        assert "nothing" in str(caught.value)
        with pytest.raises(NotFound):
            mailbox.read(f"{FOLDER}/nothing", 3, 4)

    def test_a_folder_is_not_a_file(self, mailbox: Remote) -> None:
        with pytest.raises(NotFound):
            mailbox.read(FOLDER)
        assert mailbox.list_files("lab-plates/runs") == []

    def test_a_file_is_not_a_folder(self, mailbox: Remote) -> None:
        mailbox.write(f"{FOLDER}/f", b"x")
        assert mailbox.list_files(f"{FOLDER}/f") == []
        assert mailbox.list_folders(f"{FOLDER}/f") == []
        assert mailbox.list_folders(FOLDER) == []

    def test_a_name_that_is_taken_keeps_its_content(
        self, mailbox: Remote, another: Callable[[], Remote]
    ) -> None:
        assert mailbox.write(f"{FOLDER}/claim-1.json", b"first") is True
        assert mailbox.write(f"{FOLDER}/claim-1.json", b"second, longer") is False
        assert another().write(f"{FOLDER}/claim-1.json", b"third") is False
        assert mailbox.read(f"{FOLDER}/claim-1.json") == b"first"
        assert [f.name for f in mailbox.list_files(FOLDER)] == ["claim-1.json"]

    def test_what_must_be_there_first_is_waited_for_before_a_file_is_seen(
        self, mailbox: Remote, another: Callable[[], Remote]
    ) -> None:
        reader = another()
        seen: list[list[RemoteFile]] = []

        def before() -> None:
            if not seen:
                seen.append(reader.list_files(FOLDER))
                mailbox.write(f"{FOLDER}/first", pattern(700_000))  # the same client, meanwhile

        assert mailbox.write(f"{FOLDER}/last", b"names first", before)
        assert seen[0] == [] and {file.name for file in mailbox.list_files(FOLDER)} == {"first", "last"}

    def test_a_file_whose_forerunner_fails_is_not_made(self, mailbox: Remote) -> None:
        with pytest.raises(ZeroDivisionError):
            mailbox.write(f"{FOLDER}/last", b"names what is not there", lambda: 1 // 0)  # type: ignore[arg-type]
        assert mailbox.list_files(FOLDER) == []
        assert mailbox.write(f"{FOLDER}/last", b"again")

    def test_of_several_writers_of_one_name_exactly_one_wins(
        self, mailbox: Remote, another: Callable[[], Remote]
    ) -> None:
        clients = [mailbox, mailbox, another(), another()]
        start = threading.Barrier(len(clients))

        def contend(number: int) -> bool:
            start.wait()
            return clients[number].write(f"{FOLDER}/one", bytes([number]) * 100_000)

        with ThreadPoolExecutor(len(clients)) as pool:
            won = list(pool.map(contend, range(len(clients))))
        assert won.count(True) == 1
        assert mailbox.read(f"{FOLDER}/one") == bytes([won.index(True)]) * 100_000

    def test_a_reader_sees_a_file_whole_or_not_at_all(
        self, mailbox: Remote, another: Callable[[], Remote]
    ) -> None:
        data, reader = pattern(3_000_000), another()
        done, torn, seen = threading.Event(), [], []

        def poll() -> None:
            while True:
                last = done.is_set()
                for file in reader.list_files(FOLDER):
                    if file.size != len(data) or reader.read(f"{FOLDER}/{file.name}") != data:
                        torn.append(file)
                    seen.append(file.name)
                try:
                    if reader.read(f"{FOLDER}/p-4") != data:
                        torn.append(RemoteFile("p-4", -1))
                except NotFound:
                    pass
                if last:
                    return

        poller = threading.Thread(target=poll)
        poller.start()
        try:
            for number in range(5):
                mailbox.write(f"{FOLDER}/p-{number}", data)
        finally:
            done.set()
            poller.join()
        assert torn == []
        assert "p-4" in seen

    def test_another_client_sees_what_was_written(
        self, mailbox: Remote, another: Callable[[], Remote]
    ) -> None:
        mailbox.write(f"{FOLDER}/tick-1.json", b"1")
        assert another().read(f"{FOLDER}/tick-1.json") == b"1"
        assert another().list_files(FOLDER) == [RemoteFile("tick-1.json", 1)]

    def test_a_listing_shows_files_of_this_folder_only(self, mailbox: Remote) -> None:
        mailbox.make_folders([f"{FOLDER}/deeper"])
        mailbox.write(f"{FOLDER}/deeper/inner", b"abc")
        for number in range(250):
            mailbox.write(f"{FOLDER}/w.tick-{number}.json", b"x" * number)
        expected = {RemoteFile(f"w.tick-{number}.json", number) for number in range(250)}
        listed = mailbox.list_files(FOLDER)
        assert len(listed) == 250
        assert set(listed) == expected
        assert mailbox.list_folders(FOLDER) == ["deeper"]

    def test_temporary_names_are_listed_apart(self, mailbox: Remote) -> None:
        mailbox.make_folders([f"{FOLDER}/.tmp-folder"])
        mailbox.write(f"{FOLDER}/.tmp-w1-7", b"unfinished")
        mailbox.write(f"{FOLDER}/.tmpx", b"finished")
        assert mailbox.list_files(FOLDER) == [RemoteFile(".tmpx", 8)] and not mailbox.list_folders(FOLDER)
        assert mailbox.list_unfinished(FOLDER) == [RemoteFile(".tmp-w1-7", 10)]

    @pytest.mark.parametrize(
        "name",
        [
            "a" * 64 + ".pack",
            "w" * 200,
            "w-1.out-s003.w-1.2-17.snap",
            "-rf",
            "a b,c=+@~#(1)'%41",
            "NUL.x",
            "..a",
        ],
    )
    def test_the_protocols_names_are_kept_to_the_letter(self, mailbox: Remote, name: str) -> None:
        assert mailbox.write(f"{FOLDER}/{name}", b"x")
        assert mailbox.list_files(FOLDER) == [RemoteFile(name, 1)]
        assert mailbox.read(f"{FOLDER}/{name}") == b"x"
        mailbox.delete(f"{FOLDER}/{name}")
        assert mailbox.list_files(FOLDER) == []

    def test_a_deleted_file_is_gone_and_its_name_is_free(self, mailbox: Remote) -> None:
        mailbox.write(f"{FOLDER}/f", b"one")
        mailbox.delete(f"{FOLDER}/f")
        with pytest.raises(NotFound):
            mailbox.read(f"{FOLDER}/f")
        assert mailbox.list_files(FOLDER) == []
        assert mailbox.write(f"{FOLDER}/f", b"two")
        assert mailbox.read(f"{FOLDER}/f") == b"two"

    def test_deleting_what_is_not_there_is_fine(self, mailbox: Remote) -> None:
        mailbox.delete(f"{FOLDER}/nothing")
        mailbox.delete("no/such/folder/nothing")
        mailbox.delete_folder("no/such/folder")

    def test_a_folder_goes_with_all_that_is_in_it(self, mailbox: Remote) -> None:
        mailbox.make_folders([f"{FOLDER}/a/b/c", f"{FOLDER}/a/empty"])
        mailbox.write("lab-plates/format.json", b"{}")
        for number in range(120):
            mailbox.write(f"{FOLDER}/a/b/f{number}", b"x")
        mailbox.write(f"{FOLDER}/a/b/.tmp-left-1", b"left by a crash")
        mailbox.write(f"{FOLDER}/a/b/c/deep", b"x")
        mailbox.delete_folder(FOLDER)
        assert mailbox.list_folders("lab-plates/runs") == []
        assert mailbox.list_files("lab-plates") == [RemoteFile("format.json", 2)]
        mailbox.delete_folder(FOLDER)

    @pytest.mark.parametrize(
        "path", ["", "/etc/passwd", "a//b", "../x", "a/../../x", "a/.", "a\\b", "ä", "a\nb"]
    )
    def test_a_path_outside_the_contract_is_refused_as_a_bug(self, mailbox: Remote, path: str) -> None:
        calls: list[Callable[[str], object]] = [mailbox.read, mailbox.delete, lambda p: mailbox.write(p, b"")]
        if path:
            calls += [mailbox.list_files, mailbox.delete_folder, lambda p: mailbox.make_folders([p])]
        for call in calls:
            with pytest.raises(ValueError, match="not a path"):
                call(path)

    def test_threads_may_share_a_remote(self, mailbox: Remote) -> None:
        def work(number: int) -> bool:
            path, data = f"{FOLDER}/t-{number}", pattern(100_000 + number)
            written = mailbox.write(path, data)
            same = mailbox.read(path) == data and mailbox.read(path, 50_000, 10) == data[50_000:50_010]
            mailbox.list_files(FOLDER)
            if number % 2:
                mailbox.delete(path)
            return written and same

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(40)))
        assert {f.name for f in mailbox.list_files(FOLDER)} == {f"t-{n}" for n in range(0, 40, 2)}

    def test_closing_twice_is_fine_and_loses_nothing(
        self, mailbox: Remote, another: Callable[[], Remote]
    ) -> None:
        client = another()
        client.write(f"{FOLDER}/f", b"kept")
        client.close()
        client.close()
        assert mailbox.read(f"{FOLDER}/f") == b"kept"
