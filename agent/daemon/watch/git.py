"""Where git keeps the state of one working tree: what it is in the middle of shows there."""

import os
from pathlib import Path

_POINTER = b"gitdir:"
_LONGEST = 65_536


def git_folder(root: Path) -> Path | None:
    """The folder that belongs to ``root``'s working tree; None without a repository. It need not be there.

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
            with place.open("rb") as file:
                text = file.read(_LONGEST)
        except OSError:
            continue
        named = text.removeprefix(_POINTER).strip()
        if text.startswith(_POINTER) and b"\0" not in named:
            return folder / os.fsdecode(named)
    return None
