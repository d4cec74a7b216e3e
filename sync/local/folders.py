"""The rules in force in any directory of the project, found from its path rather than on a walk."""

import os
from pathlib import Path

from .load_rules import read_ignore_file
from .rules import GIT_RULES, OUR_RULES, Folder, Rules


class Folders:
    """Ignore files are read once a directory; make a new one of these when one of them changed."""

    def __init__(self, root: Path, rules: Rules) -> None:
        self._root = os.fsencode(root) + b"/"
        self._rules = rules
        self._known: dict[bytes, Folder | None] = {}

    def of(self, path: bytes) -> Folder | None:
        """The rules in the directory ``path``, empty for the root; None where nothing below it can go."""
        if path not in self._known:
            parent, _, name = path.rpartition(b"/")
            folder: Folder | None = None
            if not path:
                folder = self._rules.root()
            elif (above := self.of(parent)) is not None:
                folder, _ = above.folder(name)
            self._known[path] = self._with_own(path + b"/" if path else b"", folder) if folder else None
        return self._known[path]

    def goes(self, path: bytes) -> bool:
        """Whether the path goes if it is a file or a link."""
        parent, _, name = path.rpartition(b"/")
        folder = self.of(parent)
        return folder is not None and folder.file(name)[0]

    def _with_own(self, path: bytes, folder: Folder) -> Folder:
        files = {name: read_ignore_file(self._root + path + name) for name in (GIT_RULES, OUR_RULES)}
        found = {name: data for name, data in files.items() if isinstance(data, bytes) and data}
        return folder.read(found)[0] if found else folder
