"""A document takes its name when it is whole: a reader sees the old one or the new one, and an error leaves the old one."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sync.errors import HybridError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yields what to write into. Raises HybridError where the file cannot be written; no room passes through as OSError."""
    # Where the name is a link, what it points to is replaced, as writing into it would.
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise HybridError(f"{path} is a folder.", "Name a file.")
    temporary = target.with_name(f".tmp-{secrets.token_hex(4)}-{target.name[:80]}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except (FileNotFoundError, NotADirectoryError, PermissionError, IsADirectoryError) as error:
        why = error.strerror or "it cannot be written"
        raise HybridError(
            f"{path} cannot be written: {why}.", "Name a file in a folder that is there and may be written."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
