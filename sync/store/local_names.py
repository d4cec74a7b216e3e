"""Which names this system's disks can hold."""

import sys

_WINDOWS_FORBIDDEN = frozenset(b'<>:"|?*\\') | frozenset(range(32))
_WINDOWS_DEVICES = frozenset(
    [b"con", b"prn", b"aux", b"nul", b"conin$", b"conout$"]
    + [port + digit.encode() for port in (b"com", b"lpt") for digit in "0123456789\u00b9\u00b2\u00b3"]
)


def refusal(path: bytes, platform: str = sys.platform) -> str | None:
    """Why ``path`` cannot be made on ``platform``, as a clause; None where it can."""
    if platform == "darwin" and not _is_utf8(path):
        return "has a name that is not UTF-8, which this system cannot hold"
    if platform == "win32":
        if not _is_utf8(path):
            return "has a name that is not UTF-8, which this system cannot hold"
        for part in path.split(b"/"):
            if set(part) & _WINDOWS_FORBIDDEN or part[-1:] in (b".", b" "):
                return "has a name with characters that Windows cannot hold"
            if part.split(b".")[0].rstrip().lower() in _WINDOWS_DEVICES:
                return "has a name that Windows keeps for a device"
    return None


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
