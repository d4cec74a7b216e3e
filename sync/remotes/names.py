"""Which paths a remote takes and which names it shows: one rule for all of them."""

TEMP_PREFIX = ".tmp-"


def checked(path: str) -> str:
    """``path`` itself, or ValueError where it breaks the contract. That is a bug of the caller, and the last
    thing that stands between a wrong name and a file outside the mailbox."""
    bad = not path.isascii() or not path.isprintable() or "\\" in path
    if bad or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"not a path of a mailbox: {path!r}")
    return path


def checked_folder(folder: str) -> str:
    """Like ``checked``; the empty string is the mailbox's root."""
    return checked(folder) if folder else folder


def with_parents(folders: list[str]) -> list[str]:
    """Each folder after its parents, once, without the root."""
    found: dict[str, None] = {}
    for folder in folders:
        parts = checked_folder(folder).split("/") if folder else []
        for depth in range(len(parts)):
            found["/".join(parts[: depth + 1])] = None
    return list(found)


def is_shown(name: str) -> bool:
    """Whether a listing shows ``name``. What is no name of ours cannot be asked for, so it is left out."""
    return _is_ours(name) and not name.startswith(TEMP_PREFIX)


def is_unfinished(name: str) -> bool:
    """Whether it is the name of a file that is being written, or was when its writer died."""
    return _is_ours(name) and name.startswith(TEMP_PREFIX)


def _is_ours(name: str) -> bool:
    odd = name in ("", ".", "..") or "/" in name or "\\" in name
    return not odd and name.isascii() and name.isprintable()
