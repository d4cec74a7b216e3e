"""Which files of a project go. Each case is a tree, what is expected to go, and what is told about the rest."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.errors import UsageError
from sync.local.include import include_line, parse_include
from sync.local.load_rules import load_rules
from sync.local.rules import HeldBack, Rules
from sync.local.scan import Scan, scan
from tests.support.trees import FOLDER, Link, make_tree


def look(root: Path, include: Iterable[str] = (), rules: Rules | None = None) -> Scan:
    return scan(root, rules or Rules(include=parse_include(include)), ManualClock())


def going(root: Path, include: Iterable[str] = (), rules: Rules | None = None) -> list[str]:
    return [entry.path.decode() for entry in look(root, include, rules).entries]


def held(root: Path, include: Iterable[str] = ()) -> dict[str, HeldBack]:
    return {item.path.decode(): item for item in look(root, include).held_back}


def test_git_and_our_own_folders_never_go_even_when_included(tmp_path: Path) -> None:
    tree = [
        ".git/HEAD",
        "sub/.git/HEAD",
        "mod/.git",
        ".hybrid/state.db",
        "outputs/r/x",
        "sub/outputs/kept",
        "a",
    ]
    make_tree(tmp_path, dict.fromkeys(tree, "x"))
    kept = ["a", "sub/outputs/kept"]
    assert going(tmp_path) == kept
    assert going(tmp_path, [".git", ".git/HEAD", "**/.git/**", ".hybrid", "outputs", "outputs/**"]) == kept
    assert not held(tmp_path)


def test_hybridignore_is_read_after_gitignore_and_the_last_match_wins(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            ".gitignore": "*.log\n*.bin\n",
            ".hybridignore": "!keep.log\n*.txt\n",
            "keep.log": "",
            "drop.log": "",
            "a.txt": "",
            "sub/.gitignore": "!a.txt\nb.dat\n",
            "sub/.hybridignore": "!b.dat\nkeep.log\n",
            "sub/a.txt": "",
            "sub/b.dat": "",
            "sub/keep.log": "",
        },
    )
    ignore_files = {".gitignore", ".hybridignore", "sub/.gitignore", "sub/.hybridignore"}
    assert set(going(tmp_path)) - ignore_files == {"keep.log", "sub/a.txt", "sub/b.dat"}


def test_what_is_held_back_is_told_once_with_its_rule_and_its_include(tmp_path: Path) -> None:
    make_tree(tmp_path, {".gitignore": "# data\n\ndata/\n*.bin\n", "data/a/b": "", "data/c": "", "m.bin": ""})
    found = held(tmp_path)
    assert set(found) == {"data", "m.bin"}
    assert found["data"].why == "git ignores it: .gitignore:3 data/"
    assert found["data"].include == "data/" and found["m.bin"].include == "m.bin"
    assert include_line([found["data"].include, 'a"b']) == 'include = ["data/", "a\\"b"]'


def test_each_suggestion_brings_in_its_path_and_nothing_else(tmp_path: Path) -> None:
    names = [b"data", b"a*b", b"!bang", b"#hash", b"q?", b"[x]", b"back\\slash", b"bad-\xff", b" sp ", b"axb"]
    make_tree(tmp_path, {b"held/" + name: b"x" for name in names} | {name + b".d/f": b"x" for name in names})
    make_tree(tmp_path, {".gitignore": "held/*\n*.d\n"})
    first = look(tmp_path)
    assert len(first.held_back) == 2 * len(names)
    for item in first.held_back:
        with_it = look(tmp_path, [item.include])
        more = {entry.path for entry in with_it.entries} - {entry.path for entry in first.entries}
        assert more == {item.path + b"/f" if item.folder else item.path}
        assert not with_it.problems


def test_include_brings_in_a_part_of_an_ignored_folder(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            ".gitignore": "data/\n",
            "data/plates/1.png": "",
            "data/plates/.gitignore": "*\n",
            "data/plates/deep/2.png": "",
            "data/plates/empty": FOLDER,
            "data/other/3.png": "",
            "data/empty": FOLDER,
            "sub/data/plates/4.png": "",
        },
    )
    expected = [".gitignore", "data/plates/.gitignore", "data/plates/1.png", "data/plates/deep/2.png"]
    expected.append("data/plates/empty")
    for include in (["data/plates"], ["data/plates/"], ["/data/plates"], ["./data/plates"], ["data/pl*"]):
        assert going(tmp_path, include) == expected
    found = held(tmp_path, ["data/plates"])
    assert found["data"].partly and not found["sub/data"].partly and set(found) == {"data", "sub/data"}


def test_a_glob_without_slash_counts_at_any_depth_but_not_in_junk(tmp_path: Path) -> None:
    tree = [
        "w.bin",
        "data/a.bin",
        "data/a.txt",
        "data/x/y/b.bin",
        ".venv/lib/c.bin",
        "data/node_modules/d.bin",
    ]
    make_tree(tmp_path, {**dict.fromkeys(tree, "x"), ".gitignore": "data/\n*.bin\n"})
    assert going(tmp_path, ["*.bin"]) == [".gitignore", "data/a.bin", "data/x/y/b.bin", "w.bin"]
    assert going(tmp_path, ["/*.bin"]) == [".gitignore", "w.bin"]
    assert going(tmp_path, [".venv/lib"]) == [".gitignore", ".venv/lib/c.bin"]


def test_hybridignore_carves_out_of_an_include_and_junk_stays(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            ".gitignore": "data/\n",
            ".hybridignore": "data/raw/\n*.tmp\n",
            "data/.gitignore": "*\n",
            "data/a.csv": "",
            "data/a.tmp": "",
            "data/raw/b.csv": "",
            "data/__pycache__/c.pyc": "",
            "data/sub/.hybridignore": "no\n",
            "data/sub/no": "",
            "data/sub/yes": "",
        },
    )
    kept = {"data/.gitignore", "data/a.csv", "data/sub/.hybridignore", "data/sub/yes"}
    found = {path for path in going(tmp_path, ["data"]) if path.startswith("data/")}
    assert found == kept
    assert held(tmp_path, ["data"])["data/raw"].why == "hybrid ignores it: .hybridignore:1 data/raw/"
    assert set(going(tmp_path, ["data", "data/raw"])) >= {"data/raw/b.csv"}


def test_secrets_stay_unless_named(tmp_path: Path) -> None:
    tree = [".env", ".env.local", ".env.example", "cfg/server.PEM", "id_rsa", "tokenizer.json", "token.json"]
    tree += [".aws/credentials", "client_secret_123.json", "keys.py", "my.keyboard", "cfg/plain.json"]
    make_tree(tmp_path, dict.fromkeys(tree, "x"))
    plain = [".env.example", "cfg/plain.json", "keys.py", "my.keyboard", "tokenizer.json"]
    assert going(tmp_path) == plain
    assert going(tmp_path, ["*", "**", "cfg", "cfg/*"]) == plain
    assert set(going(tmp_path, [".env", "*.PEM", ".aws/"])) - set(plain) == {
        ".env",
        "cfg/server.PEM",
        ".aws/credentials",
    }
    found = held(tmp_path)
    assert all(item.secret for item in found.values()) and len(found) == 7
    assert found[".env"].why == "its name is that of a secret: environment variables, often with passwords"


def test_a_secret_in_an_included_folder_stays_and_is_told(tmp_path: Path) -> None:
    make_tree(tmp_path, {".gitignore": "data/\n", "data/a": "", "data/.env": "", "data/k/.env": ""})
    assert going(tmp_path, ["data"]) == [".gitignore", "data/a"]
    assert {path for path, item in held(tmp_path, ["data"]).items() if item.secret} == {
        "data/.env",
        "data/k/.env",
    }


def test_junk_is_held_back_without_rules_and_can_be_brought_back_by_a_rule(tmp_path: Path) -> None:
    make_tree(
        tmp_path, {"__pycache__/m.pyc": "", ".venv/bin/python": "", "src/node_modules/x": "", "src/a": ""}
    )
    assert going(tmp_path) == ["src/a"]
    assert all(item.junk for item in held(tmp_path).values()) and len(held(tmp_path)) == 3
    make_tree(tmp_path, {"src/.gitignore": "!node_modules\n"})
    assert going(tmp_path) == ["src/.gitignore", "src/a", "src/node_modules/x"]


def test_a_link_to_a_folder_is_not_matched_by_a_folder_pattern(tmp_path: Path) -> None:
    make_tree(tmp_path, {".gitignore": "data/\n", "data": Link(b"/somewhere")})
    assert going(tmp_path) == [".gitignore", "data"]


@pytest.mark.parametrize(
    "include", ["../up", "data/../..", "!data", "a//b", "", "/", "a[", "data/./x", "x\\"]
)
def test_an_include_that_cannot_be_is_a_usage_error(include: str) -> None:
    with pytest.raises(UsageError, match="include"):
        parse_include([include])


def test_lines_that_never_match_are_told_with_file_and_line(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {"sub/.gitignore": "ok\n\nbad[\nworse\\\n", "sub/x": "", ".gitignore": Link(b"sub/.gitignore")},
    )
    problems = [(problem.path, problem.what) for problem in look(tmp_path).problems]
    assert problems == [
        (b".gitignore", "is a symbolic link, which git does not follow for ignore rules"),
        (b"sub/.gitignore", "line 3: 'bad[' never matches: a bracket is not closed"),
        (b"sub/.gitignore", "line 4: 'worse\\\\' never matches: it ends in a backslash"),
    ]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    root = make_tree(tmp_path / "repository", {})
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_rules_from_outside_the_project_count(repository: Path) -> None:
    home = repository.parent / "home"
    make_tree(home, {".config/git/ignore": "*.mine\n*.yours\n"})
    make_tree(repository, {".git/info/exclude": "!x.yours\n*.info\n", ".gitignore": "/sub/a\nb\nsub/c/d\n"})
    root = make_tree(
        repository / "sub", dict.fromkeys(["x.mine", "x.yours", "x.info", "a", "e/a", "b", "c/d"], "")
    )
    assert going(root, rules=load_rules(root)) == ["e/a", "x.yours"]
    make_tree(home, {".gitconfig": "[core]\n\texcludesFile = ~/other\n", "other": "e/\n"})
    assert going(root, rules=load_rules(root)) == ["x.mine", "x.yours"]


def test_a_personal_file_with_a_relative_path_lies_at_the_repositorys_top(repository: Path) -> None:
    subprocess.run(["git", "config", "core.excludesFile", "personal"], cwd=repository, check=True)
    make_tree(
        repository, {"personal": "*.bin\n", "sub/personal": "*.txt\n", "sub/a.bin": "", "sub/a.txt": ""}
    )
    for root, kept in (
        (repository, ["personal", "sub/a.txt", "sub/personal"]),
        (repository / "sub", ["a.txt", "personal"]),
    ):
        assert going(root, rules=load_rules(root)) == kept


@pytest.mark.parametrize(
    ("value", "folded"),
    [
        ("true", True),
        ("YES", True),
        ("1", True),
        ("2", True),
        ("0", False),
        ("off", False),
        ("", False),
    ],
)
def test_case_is_folded_where_git_reads_the_setting_so(repository: Path, value: str, folded: bool) -> None:
    with open(repository / ".git" / "config", "a", encoding="utf-8") as config:
        config.write(f"[core]\n\tignorecase = {value}\n")
    make_tree(repository, {".gitignore": "*.Bin\n\\A\n", "x.bin": "", "A": "", "a": ""})
    kept = {".gitignore", "a", *({"A"} if folded else {"x.bin"})}
    assert set(going(repository, rules=load_rules(repository))) == kept


def test_what_git_tracks_in_spite_of_its_rules_goes(repository: Path) -> None:
    names = ["data/forced", "data/deep/forced", "data/free", "data/.env", "top.bin", "free.bin", "data/ours"]
    make_tree(
        repository, {**dict.fromkeys(names, "x"), ".gitignore": "data/\n*.bin\n", ".hybridignore": "ours\n"}
    )
    add = ["data/forced", "data/deep/forced", "data/.env", "top.bin", "data/ours"]
    subprocess.run(["git", "add", "-f", *add], cwd=repository, check=True)
    expected = [".gitignore", ".hybridignore", "data/deep/forced", "data/forced", "top.bin"]
    assert going(repository, rules=load_rules(repository)) == expected


def test_case_is_ignored_where_git_ignores_it(repository: Path) -> None:
    subprocess.run(["git", "config", "core.ignoreCase", "true"], cwd=repository, check=True)
    make_tree(
        repository,
        {".gitignore": "DATA/\n*.Bin\n", "data/x": "", "A.BIN": "", "sub/.GIT/x": "", "Outputs/x": ""},
    )
    assert going(repository, rules=load_rules(repository)) == [".gitignore"]
    assert going(repository, rules=load_rules(repository, ["Data"])) == [".gitignore", "data/x"]
