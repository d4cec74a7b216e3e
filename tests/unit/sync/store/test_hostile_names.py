"""Names are hostile input: one that another system takes for a device, a stream or a way out is not made there."""

import pytest

from sync.store.local_names import refusal


@pytest.mark.parametrize(
    "path",
    [
        *(
            "CON",
            "con",
            "Nul",
            "a/PRN",
            "aux/b",
            "NUL.txt",
            "con.tar.gz",
            "com1",
            "LPT9.log",
            "COM0",
            "a/lpt0/b",
        ),
        *("com\u00b9", "LPT\u00b3.txt", "CONIN$", "conout$.x", "nul .txt", "con  ", "aux."),
        *(
            "C:",
            "C:\\x",
            "C:x",
            "a:stream",
            "file:$DATA",
            "\\\\host\\share",
            "..\\x",
            "a\\b",
            "\\",
            "\\\\?\\C:\\x",
        ),
        *("a.", "a ", "a./b", "a /b", "...", ". .", "a\x00b", "a\x1fb", "a\nb", "a\tb"),
        *('a"b', "a*b", "a?b", "a<b", "a>b", "a|b", "$(x)|y"),
    ],
    ids=ascii,
)
def test_what_windows_takes_for_something_else_is_not_made_there(path: str) -> None:
    assert refusal(path.encode(), "win32")


@pytest.mark.parametrize(
    "path", ["console", "a.con", "com", "com10", "lpt", "nul_", "auxiliary.txt", "a b", "é", "$(x)", "-", "~"]
)
def test_what_windows_holds_is_made_there(path: str) -> None:
    assert refusal(path.encode(), "win32") is None


@pytest.mark.parametrize("path", [b"\xff", b"a/\xed\xa0\x80", b"\xc3"])
def test_what_is_not_utf8_is_made_on_linux_alone(path: bytes) -> None:
    assert refusal(path, "linux") is None
    assert refusal(path, "darwin") and refusal(path, "win32")


@pytest.mark.parametrize("path", ["CON", "C:x", "a\\b", "a.", "a\nb"])
def test_other_systems_take_these_for_plain_names(path: str) -> None:
    assert refusal(path.encode(), "linux") is None and refusal(path.encode(), "darwin") is None
