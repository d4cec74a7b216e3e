"""Builds ``runner.pyz``: the runner and the parts of ``sync`` that it shares, as one file that any Python runs.

Reproducible: the same sources give the same bytes on every machine, so its SHA-256 is its version and its name in
the mailbox.
"""

import functools
import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import cloud_runner
import sync

_SHARED = ("__init__.py", "clock.py", "errors.py", "progress.py")
_SHARED_FOLDERS = ("mailbox", "store")
_REMOTES = ("__init__.py", "base.py", "folder.py", "names.py", "opening.py", "retry.py")
_MAIN = b"import sys\n\nfrom cloud_runner.__main__ import main\n\nsys.exit(main())\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Archive(NamedTuple):
    data: bytes
    sha256: str


@functools.cache
def build() -> Archive:
    """The runner's archive, from the installed sources."""
    files = {"__main__.py": _MAIN}
    runner = Path(cloud_runner.__file__).parent
    files |= {f"cloud_runner/{path.name}": _source(path) for path in runner.glob("*.py")}
    shared = Path(sync.__file__).parent
    files |= {f"sync/{name}": _source(shared / name) for name in _SHARED}
    for folder in _SHARED_FOLDERS:
        files |= {f"sync/{folder}/{path.name}": _source(path) for path in (shared / folder).glob("*.py")}
    files |= {f"sync/remotes/{name}": _source(shared / "remotes" / name) for name in _REMOTES}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    data = buffer.getvalue()
    return Archive(data, hashlib.sha256(data).hexdigest())


def _source(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n")
