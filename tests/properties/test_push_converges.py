"""Whatever happens to a tree between pushes, the mailbox ends up holding what is on the disk."""

import random
from collections.abc import Iterable

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from sync.errors import ConfirmationNeeded
from sync.store.nouns import MOST_LEANED_ON
from tests.independent_reader.__main__ import restore
from tests.independent_reader.snapshots import Snapshot
from tests.properties.edits import NTH
from tests.properties.mishaps import Mishaps
from tests.support.mortal import as_mortal
from tests.support.pushes import BASE, root_of, snapshots
from tests.support.trees import Fingerprint, fingerprint

Item = tuple[str, bool, bytes]


class Project(Mishaps):
    """A person edits, deletes, renames, closes folders; the laptop pushes, is killed, loses its state; the mailbox loses
    content, too. ``once`` is everything that was ever published."""

    def __init__(self) -> None:
        super().__init__()
        self.once: set[tuple[bytes, Item]] = set()

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.push()
            self.collect(last=2, of_the_other=False)
            self.open_up()
            self.push()
            self.read_by_a_stranger()
        super().teardown()

    @rule()
    def push(self) -> None:
        with self.opened() as closed:
            disk = self.on_disk()
        done = self.desk.push(accept_deletions=True)
        name = done.published.snapshot
        tree = self.read(name)
        hidden = {path for path in closed if not is_below(path, closed)}
        assert {problem.path for problem in done.problems} == hidden
        assert without(tree, hidden) == without(disk, hidden)
        if self.newest is None:
            assert only(tree, hidden).items() <= self.once
        else:
            assert only(tree, hidden) == only(self.newest, hidden)
        self.newest = tree
        self.once |= tree.items()
        self.nothing_is_left_to_do(tree)

    def read(self, name: str) -> Fingerprint:
        tree = super().read(name)
        self.once |= tree.items()
        return tree

    def nothing_is_left_to_do(self, tree: Fingerprint) -> None:
        assert self.desk.look().nothing_to_do
        again = self.desk.push()
        if (
            not again.unpublished
        ):  # it leant on as many snapshots as it may: once, its content goes into packs
            assert self.read(again.published.snapshot) == tree
            again = self.desk.push()
        assert again.unpublished
        name = again.published.snapshot
        objects = root_of(self.desk.remote, name).objects
        assert len([each for each in objects if each.endswith(".snap")]) <= MOST_LEANED_ON
        with self.desk.index() as index:
            there = {
                file.path.removeprefix(f"{BASE}/") for file in self.store.files if file.deleted_at is None
            }
            assert set(index.objects()) <= there

    @rule()
    def careful_push(self) -> None:
        before = snapshots(self.desk.remote)
        try:
            self.desk.push()
        except ConfirmationNeeded:
            assert snapshots(self.desk.remote) == before
        else:
            self.push()

    @rule(times=st.sampled_from([2, 2, 2, 12, 40]), one=st.booleans())
    def save_again_and_again(self, times: int, one: bool) -> None:
        for n in range(times):
            with self.opened(), open(self.free(b"often" if one else b"often%d" % n), "wb") as file:
                file.write(random.Random(n).randbytes(300))
            self.push()

    @precondition(lambda self: self.can_close)
    @rule(nth=NTH, seed=st.integers(0, 5), forgotten=st.booleans())
    def push_with_a_folder_closed(self, nth: int, seed: int, forgotten: bool) -> None:
        """And something new beside it, so that there is a new snapshot. What is hidden may be known from the mailbox only."""
        self.push()
        self.close_a_folder(nth=nth)
        if forgotten:
            self.lose_the_local_state()
        self.write(where=b"new", size=300, seed=seed)
        self.push()

    def read_by_a_stranger(self) -> None:
        """Who knows nothing but ``docs/protocol.md``."""
        mailbox = self.home / "mailbox"
        for file in self.store.files:
            if file.deleted_at is not None:
                continue
            path = mailbox / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
        restore(Snapshot(mailbox / BASE, snapshots(self.desk.remote)[-1]), self.home / "restored")
        assert fingerprint(self.home / "restored") == self.on_disk()


def is_below(path: bytes, tops: Iterable[bytes]) -> bool:
    return any(path.startswith(top + b"/") for top in tops)


def only(tree: Fingerprint, tops: set[bytes]) -> Fingerprint:
    """What of the tree lies at or below these paths."""
    return {path: what for path, what in tree.items() if path in tops or is_below(path, tops)}


def without(tree: Fingerprint, tops: set[bytes]) -> Fingerprint:
    below = only(tree, tops)
    return {path: what for path, what in tree.items() if path not in below}


def converge(seed: int, *, histories: int) -> None:
    """So many histories of a project, as drawn from the seed. Raises what went wrong, with a short history that leads
    there."""
    machine = hypothesis.seed(seed)(type("Project", (Project,), {}))
    bounds = settings(
        max_examples=histories,
        stateful_step_count=30,
        deadline=None,
        derandomize=False,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    as_mortal(lambda: run_state_machine_as_test(machine, settings=bounds))


def test_the_mailbox_ends_up_with_what_is_on_the_disk() -> None:
    converge(0, histories=10)
