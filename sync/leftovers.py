"""What programs that were killed have left in a mailbox beside its files, and when ``gc`` may take it away.

Folders of a check carry the id of the laptop that made them. A temporary file does not tell whose it is, or whether its
writer lives: so a laptop notes when it saw one first, on its own clock, and takes away what is still there a day later. No
write takes that long; one that does all the same is made again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .mailbox import layout
from .remotes.base import Remote

PROBE = "probe"
"""The one file in a folder of ``probe_folder``."""
PATIENCE_S = 86_400.0


def probe_folder(laptop: str, token: str) -> str:
    """Where ``laptop`` tries the mailbox out, in it or in a project's folder; ``token`` is 16 hexadecimal digits."""
    return f"doctor-{laptop}-{token}"


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """``path`` starts at the mailbox's root."""

    path: str
    bytes: int
    is_folder: bool = False

    def remove(self, remote: Remote) -> None:
        if self.is_folder:
            remote.delete_folder(self.path)
        else:
            remote.delete(self.path)


def probes(remote: Remote, base: str, laptop: str) -> list[Leftover]:
    """What checks of this laptop that were cut short left behind. A project may have such a name, and then holds more."""
    found = []
    for inside in ("", base):
        for name in remote.list_folders(inside):
            if re.fullmatch(probe_folder(re.escape(laptop), "[0-9a-f]{16}"), name):
                folder = f"{inside}/{name}" if inside else name
                held = {file.name: file.size for file in remote.list_files(folder)}
                if held.keys() <= {PROBE} and not remote.list_folders(folder):
                    found.append(Leftover(path=folder, bytes=sum(held.values()), is_folder=True))
    return found


def unfinished(remote: Remote, base: str) -> list[Leftover]:
    """All temporary files of the project, but for those of its runs, which go with them."""
    folders = [base, *(f"{base}/{name}" for name in (layout.PACKS, layout.SNAPSHOTS, layout.RUNNER))]
    return [
        Leftover(path=f"{folder}/{file.name}", bytes=file.size)
        for folder in folders
        for file in remote.list_unfinished(folder)
    ]


def abandoned(found: list[Leftover], seen: Mapping[str, float], now: float) -> list[Leftover]:
    """Those that nobody is writing any more. ``seen``: when this laptop saw a path first; ``now``: the same clock."""
    return [each for each in found if now - seen.get(each.path, now) >= PATIENCE_S]
