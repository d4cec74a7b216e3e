"""What goes of a whole project, against what git would take: the files it tracks, and those it neither tracks nor
ignores. Settings, places and the index count here; the patterns themselves are tried in ``test_ignore_like_git``."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.local.entry import FOLDER
from sync.local.load_rules import load_rules
from sync.local.scan import scan
from tests.unit.sync.local.test_ignore_like_git import ATOMS, build, random_file

EXAMPLES = 60

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(root: Path, *words: str | bytes, data: bytes | None = None) -> bytes:
    done = subprocess.run(["git", *words], cwd=root, input=data, capture_output=True, check=True)
    return done.stdout


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own settings, which git and we find in the same way."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / "home" / ".config" / "git").mkdir(parents=True)
    return tmp_path / "home"


def settle(rng: random.Random, root: Path, home: Path) -> None:
    """Makes ``root`` a repository that tracks some of its files, with settings at random places."""
    git(root, "init", "-q")
    ignore_case = rng.choice(["true", "false", "yes", "0"])
    git(root, "config", "core.ignoreCase", ignore_case)
    where = rng.choice(["default", "repository", "home", "relative", "missing"])
    for old in (home / ".config" / "git" / "ignore", home / ".gitconfig"):
        old.unlink(missing_ok=True)
    if where == "default":
        (home / ".config" / "git" / "ignore").write_bytes(random_file(rng))
    elif where == "repository":
        git(root, "config", "core.excludesFile", str(home / "mine"))
    elif where == "home":
        (home / ".gitconfig").write_text("[core]\n\texcludesfile = ~/mine\n")
    elif where == "relative":
        git(root, "config", "core.excludesFile", "rules")  # of the repository's top, wherever git is called
        (root / "rules").write_bytes(random_file(rng))
    else:
        git(root, "config", "core.excludesFile", "/nowhere/at/all")
    (home / "mine").write_bytes(random_file(rng))
    if ignore_case in ("true", "yes"):
        return  # for git, "B" would be tracked with "b", on a disk that tells them apart
    files = [path for path in taken(root) if rng.random() < 0.2]
    git(root, "add", "-f", "--pathspec-from-file=-", "--pathspec-file-nul", data=literal(files))


def literal(paths: list[bytes]) -> bytes:
    return b"\0".join(b":(literal)" + path for path in paths)


def taken(root: Path, *options: str) -> list[bytes]:
    """Paths below ``root`` that git lists, relative to it, without the files of other repositories."""
    return [path for path in git(root, "ls-files", "-z", "-o", *options).split(b"\0") if path]


def is_ignored(root: Path, folder: Path) -> bool:
    words = ["git", "check-ignore", "--no-index", "-q", "-z", "--stdin"]
    data = os.fsencode(folder.relative_to(root))
    return subprocess.run(words, cwd=root, input=data, check=False).returncode == 0


def ours(root: Path) -> set[bytes]:
    found = scan(root, load_rules(root), ManualClock())
    return {entry.path for entry in found.entries if entry.kind != FOLDER}


def theirs(root: Path) -> set[bytes]:
    return set(taken(root, "-c", "--exclude-standard"))


def test_the_same_files_go_as_git_would_take(tmp_path: Path, home: Path) -> None:
    held = went = 0
    for seed in range(EXAMPLES):
        rng = random.Random(seed)
        root = tmp_path / "tree"
        build(rng, root)
        settle(rng, root, home)
        below = [Path(os.fsdecode(os.fsencode(root) + b"/" + name)) for name in ATOMS]
        folders = [path for path in below if path.is_dir() and not path.is_symlink()]
        for project in [root, *folders[:2]]:
            # A folder that git ignores as a whole is a project all the same where somebody makes it one.
            if project != root and is_ignored(root, project):
                continue
            expected = theirs(project)
            assert ours(project) == expected, f"seed {seed}, {project}"
            went += len(expected)
            held += len(taken(project)) - len(expected)
        shutil.rmtree(root)
    assert went > 5 * EXAMPLES and held > 2 * EXAMPLES, "the examples say little"
