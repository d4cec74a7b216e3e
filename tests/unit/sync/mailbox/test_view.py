"""One listing tells everything: what is seen, in any order, and with anything else lying about."""

import random

from hypothesis import given
from hypothesis import strategies as st

from sync.mailbox.layout import CHECKPOINT, OUTPUTS, Attempt, RunFolder
from sync.mailbox.view import look, view
from sync.remotes.memory import MemoryRemote

ONE = Attempt(0, "w111", 1)
TWO = Attempt(4, "w222", 2)
NAMES = [
    "spec.json",
    RunFolder.hello("w111"),
    RunFolder.claim("w111", 1),
    RunFolder.claim("w111", 4),
    RunFolder.claim("w222", 2),
    RunFolder.yields("w111", 1),
    RunFolder.broken("w222", 2),
    *[RunFolder.tick("w111", n) for n in (9, 10, 999_999, 1_000_000)],
    RunFolder.attempt("start", ONE),
    RunFolder.attempt("start", TWO),
    RunFolder.attempt("done", ONE),
    RunFolder.attempt("failed", TWO),
    RunFolder.attempt("left", Attempt(1, "w222", 1)),
    RunFolder.worker_snapshot(OUTPUTS, ONE, 3).format(sha256="a" * 64),
    RunFolder.worker_snapshot(CHECKPOINT, TWO, 1).format(sha256="b" * 64),
    RunFolder.stop("k3f9"),
    RunFolder.accepted(0, "k3f9"),
    RunFolder.accepted(0, "a1b2"),
    RunFolder.released("w222"),
    f"{'c' * 64}.pack",
]


def test_a_listing_is_understood() -> None:
    seen = view(NAMES)
    assert seen.ready and seen.stopped
    assert seen.hellos == {"w111"}
    assert seen.claims == {"w111": 4, "w222": 2}
    assert seen.yields == {"w111": 1}
    assert seen.broken == {"w222": 2}
    assert seen.ticks == {"w111": [9, 10, 999_999, 1_000_000]}
    assert seen.starts == {ONE, TWO}
    assert (seen.done, seen.failed, seen.left) == ({ONE}, {TWO}, {Attempt(1, "w222", 1)})
    assert [(each.what, each.attempt, each.seq) for each in seen.snapshots] == [
        ("out", ONE, 3),
        ("ckpt", TWO, 1),
    ]
    assert seen.accepted == {0}
    assert seen.released == {"w222"}


def test_an_empty_folder_is_a_run_that_is_not_ready() -> None:
    seen = view([])
    assert not seen.ready and not seen.stopped
    assert seen.claims == {} and seen.names == set()


@given(st.randoms(use_true_random=False), st.lists(st.text(max_size=20), max_size=5))
def test_order_repetition_and_strangers_change_nothing(dice: random.Random, strangers: list[str]) -> None:
    names = [*NAMES, *strangers, *NAMES[:5]]
    dice.shuffle(names)
    seen, plain = view(names), view(NAMES)
    seen.names = plain.names
    assert seen == plain


def test_a_look_is_one_listing() -> None:
    remote = MemoryRemote()
    remote.make_folders(["p/runs/r"])
    for name in NAMES:
        remote.write(f"p/runs/r/{name}", b"")
    remote.calls.clear()
    assert look(remote, "p", RunFolder("r")) == view(NAMES)
    assert remote.calls == [("list_files", "p/runs/r")]
