"""Where git keeps the state of one working tree: what it is in the middle of shows there."""

import os
from pathlib import Path

_POINTER = b"gitdir:"


def git_folder(root: Path) -> Path | None:
    """The folder that belongs to ``root``'s working tree; None without a repository.

    As git looks for it: in ``root`` and then upwards; where ``.git`` is a file, as in a worktree and a submodule, the
    folder that it names.
    """
    real = Path(os.path.realpath(root))
    for folder in (real, *real.parents):
        place = folder / ".git"
        # One in the root may be in the making, and is it when there is something in it.
        if (place / "HEAD").is_file() or (folder == real and place.is_dir()):
            return place
        try:
            text = place.read_bytes()
        except OSError:
            continue
        if text.startswith(_POINTER):
            return folder / os.fsdecode(text.removeprefix(_POINTER).strip())
    return None
