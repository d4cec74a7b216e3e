"""The table of exit codes, which scripts rely on."""

import pytest

import sync.errors
from agent.exits import MEANINGS, Exit, exit_for
from sync.errors import CorruptMailbox, HybridError, NotFound, QuotaExceeded, Transient, UsageError


def test_numbers_never_change() -> None:
    assert {code.name: code.value for code in Exit} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "PARTIAL": 3,
        "UNREACHABLE": 10,
        "LOCKED": 11,
        "CREDENTIALS": 12,
        "WAITING": 13,
        "BUDGET": 14,
        "CONFIRMATION": 15,
        "MAILBOX": 16,
        "DISK_FULL": 17,
        "BUG": 70,
        "INTERRUPTED": 130,
    }


def test_every_code_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Exit)


def test_no_expected_error_counts_as_a_bug() -> None:
    kinds = [kind for kind in vars(sync.errors).values() if isinstance(kind, type)]
    errors = [kind for kind in kinds if issubclass(kind, HybridError)]
    assert len(errors) > 10
    assert all(exit_for(kind("x")) is not Exit.BUG for kind in errors)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HybridError("x"), Exit.FAILED),
        (UsageError("x"), Exit.USAGE),
        (Transient("x"), Exit.UNREACHABLE),
        (QuotaExceeded("x"), Exit.UNREACHABLE),
        (NotFound("x"), Exit.FAILED),
        (CorruptMailbox("x"), Exit.MAILBOX),
        (ValueError("x"), Exit.BUG),
    ],
)
def test_nearest_class_decides(error: Exception, code: Exit) -> None:
    assert exit_for(error) is code
