"""Our reading of ignore files against git's own, on random trees and patterns."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from sync.local.ignore import NO_RULE, Level, read_rules, top

ATOMS = [
    b"a",
    b"b",
    b"ab",
    b"ba.c",
    b"c",
    b"A",
    b"x y",
    b"-",
    b"!a",
    b"#b",
    b"\xff",
    b"]",
    b"[a]",
    b"a\\b",
    b"*",
    b".",
    "é".encode(),
    b"\xc3",
    b"B",
    b"a ",
    b"a\t",
]
GLOBS = [
    b"*", b"**", b"?", b"[ab]", b"[!a]", b"[^b]", b"[a-c]", b"[]-a]", b"[a-]", b"[--a]", b"[\\]a]", b"[[:alpha:]]",
    b"[[:upper:][:punct:]]", b"[![:alnum:]-a]", b"[[:x]", b"[[:bad:]]", b"[[:]", b"[a", b"[z-a]", b"[a/b]", b"\\a", b"\\*",
    b"\\", b"***", b"*.c", b"a*", b"*b*", b"\\/", b"[A-B]", b"[\\A-b]", b"[!]]", b"\\!", b"\\#", b" ", b"\\ ", b"\t",
    b"[\xff]", b"[\x80-\xff]", b"[!\xff]", "[é]".encode(), "[à-ï]".encode(), b"[\xc3]", b"\xa9", b"[[:lower:]]", b"[[:digit:]]",
    b"[[:space:]]", b"[[:graph:]]", b"[[:cntrl:]]", b"[[:blank:][:xdigit:]]", b"[[:ALPHA:]]", b"[[.a.]]", b"[[=a=]]", b"[a-c-e]",
    b"[a-\\c]", b"[\\[-\\]]", b"[^]", b"[!", b"[]", b"[[]", b"[]]", b"[a-b-]", b"[%--]", b"[Z-a]", b"[a\\]b]", b"*a*b*", b"**b",
    b"b**", b"a\x00b", b"\r", b"\\\r", b"[/]", b"[!/]", b"[.-0]", b"[[:alpha:]", b"[[:alpha:", b"[\\", b"?*", b"*?",
]  # fmt: skip
ENDINGS = [b"", b"", b"", b"", b"/", b"/", b" ", b"\\ ", b"\\  ", b"\t", b"\r", b"//", b"/ "]
ENDINGS += [b"/**", b"/*", b"/**/", b" \t", b"\t ", b"\\\\ ", b"  ", b"\\", b"/.", b" \r"]
STARTS = [b"", b"", b"", b"", b"/", b"/", b"!", b"!", b"!/", b"**/", b"//", b"#", b" "]
STARTS += [b"!!", b"\\!", b"\\#", b"!#", b"!\\", b"/**/", b"./", b"**", b"\\", b"\t", b"*/", b"!**/"]
EXAMPLES = 400

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def random_pattern(rng: random.Random) -> bytes:
    if rng.random() < 0.4:  # simple enough to match something often
        parts = [
            rng.choice([*ATOMS[:5], b"*", b"**", b"?", b"[a-c]", b"[!a]"]) for _ in range(rng.randint(1, 3))
        ]
        return rng.choice([b"", b"", b"/", b"!", b"!/"]) + b"/".join(parts) + rng.choice([b"", b"", b"/"])
    parts = []
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
        globs = GLOBS if rng.random() < 0.5 else ATOMS
        parts.append(b"".join(rng.choice(globs) for _ in range(rng.choice([1, 1, 2, 3]))))
    pattern = rng.choice(STARTS) + b"/".join(parts) + rng.choice(ENDINGS)
    return b"a" if _reads_differently_in_old_git(pattern) else pattern


def _reads_differently_in_old_git(pattern: bytes) -> bool:
    """``foo**/bar``: a plain text runs into ``**`` in a pattern with slashes (changed in git 2.52)."""
    body = pattern.removeprefix(b"!")
    plain = next((i for i, c in enumerate(body) if c in b"*?[\\"), len(body))
    return plain > 0 and body[plain - 1 : plain] != b"/" and body[plain : plain + 2] == b"**" and b"/" in body


def random_file(rng: random.Random) -> bytes:
    ending = rng.choice([b"\n", b"\n", b"\r\n"])
    data = ending.join(random_pattern(rng) for _ in range(rng.randint(1, 5)))
    return rng.choice([b"", b"", b"\xef\xbb\xbf"]) + data + rng.choice([b"", ending])


def build(rng: random.Random, root: Path) -> None:
    """A repository with ignore files at random places; every place has files and directories of all atoms."""
    root.mkdir()
    for folder in (".git/info", ".git/objects", ".git/refs"):
        (root / folder).mkdir(parents=True)
    (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    folders = [b""]
    for _ in range(rng.randint(1, 5)):
        folder = rng.choice(folders) + rng.choice(ATOMS[:-1]) + b"/"
        os.makedirs(os.fsencode(root) + b"/" + folder, exist_ok=True)
        folders.append(folder)
    for _ in range(25):
        path = (
            os.fsencode(root) + b"/" + rng.choice(folders) + b"".join(rng.choices(ATOMS, k=rng.randint(1, 2)))
        )
        if not os.path.lexists(path):
            if rng.random() < 0.15:
                os.symlink(b".", path)
            else:
                Path(os.fsdecode(path)).write_bytes(b"")
    for folder in set(folders):
        if rng.random() < 0.5 or not folder:
            Path(os.fsdecode(os.fsencode(root) + b"/" + folder + b".gitignore")).write_bytes(random_file(rng))
    if rng.random() < 0.3:
        (root / ".git/info/exclude").write_bytes(random_file(rng))
    (root.parent / "global").write_bytes(random_file(rng) if rng.random() < 0.3 else b"")


def ours(root: Path, ignore_case: bool) -> dict[bytes, tuple[str, int, bytes]]:
    """For each path the source, line and text of the rule that decides, as check-ignore tells them."""
    decided: dict[bytes, tuple[str, int, bytes]] = {}

    def read(level: Level, path: Path, source: str) -> Level:
        data = path.read_bytes() if path.exists() else b""
        return level.add(read_rules(data, source, ignore_case=ignore_case)[0])

    def walk(level: Level, folder: bytes, held: tuple[str, int, bytes] | None) -> None:
        here = os.fsencode(root) + b"/" + folder
        if held is None:
            ignore_file = os.fsdecode(here + b".gitignore")
            level = read(level, Path(ignore_file), os.fsdecode(folder + b".gitignore"))
        for entry in os.scandir(here):
            if entry.name == b".git":
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            number = (level.folder if is_folder else level.file)(entry.name)
            rule = None if number == NO_RULE else level.rules[number]
            said = (rule.source, rule.line, rule.text) if rule else ("", 0, b"")
            decided[folder + entry.name] = held or said
            if is_folder:
                excluded = said if rule and not rule.pattern.negated else None
                walk(level.enter(entry.name), folder + entry.name + b"/", held or excluded)

    level = read(top(ignore_case), root.parent / "global", str(root.parent / "global"))
    walk(read(level, root / ".git/info/exclude", ".git/info/exclude"), b"", None)
    return decided


def gits(root: Path, paths: list[bytes], ignore_case: bool) -> dict[bytes, tuple[str, int, bytes]]:
    command = [
        "git",
        "-c",
        f"core.excludesFile={root.parent / 'global'}",
        "-c",
        f"core.ignoreCase={ignore_case}",
    ]
    command += ["check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"]
    done = subprocess.run(command, cwd=root, input=b"\0".join(paths), capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    fields = done.stdout.split(b"\0")[:-1]
    rows = [fields[i : i + 4] for i in range(0, len(fields), 4)]
    return {path: (os.fsdecode(source), int(line or 0), text) for source, line, text, path in rows}


@pytest.mark.parametrize("ignore_case", [False, True])
def test_every_path_is_decided_by_the_rule_that_git_names(tmp_path: Path, ignore_case: bool) -> None:
    compared = matched = 0
    for seed in range(EXAMPLES):
        root = tmp_path / "tree"
        build(random.Random(seed * 2 + ignore_case), root)
        mine = ours(root, ignore_case)
        theirs = gits(root, sorted(mine), ignore_case)
        wrong = {path: (mine[path], theirs[path]) for path in mine if mine[path] != theirs[path]}
        assert not wrong, f"seed {seed}"
        compared += len(mine)
        matched += sum(1 for said in mine.values() if said[1])
        shutil.rmtree(root)
    assert compared > 10 * EXAMPLES and compared > matched > compared / 5, "the examples say little"
