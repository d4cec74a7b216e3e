"""``hybrid.toml``: what it may say, and that every mistake is named with its line."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Config, ConfigError, load, parse
from agent.config_lines import Lines
from sync.errors import UsageError

PATH = Path("/project/hybrid.toml")

COMPLETE = """\
# A comment with [brackets] and "quotes
[project]
id = "plates-2"
outputs = "results"

[remote]
url = "sftp://me@box:2222/mail"
identity = "~/.ssh/id_ed25519"
known_hosts = "hosts"

[push]
include = ["data/plates", "models/*.bin"]

[pull]
include = ["*.parquet"]
exclude = ["debug/**"]
max_size = "2GB"

[run]
on = "colab"
setup = "pip install -r requirements.txt"
retries = 2
max_hours = 1.5
gpu = "T4"
over = "inputs.jsonl"
chunk = 100
[run.env]
SEED = "1"
MODE = "fast"

[run.train]
command = "python train.py"
on = ["ssh:box", "local"]
env = { MODE = "slow" }
shards = 4

[run."predict.v2"]
command = ["python", "predict.py", "a b"]
limit = 10

[machines.box]
host = "me@box:22"
mailbox = "folder:/mnt/mail"

[grade]
scorer = "numeric"
references = "answers.jsonl"
tolerance = 0.01
files = ["*.jsonl"]

[keep]
snapshots = 5
days = 0
"""


def read(text: str) -> Config:
    return parse(text, PATH)


def complaints(text: str) -> list[str]:
    """Each complaint about ``text`` (below a good ``[project]`` of two lines) as ``line key what``."""
    with pytest.raises(ConfigError) as caught:
        read('[project]\nid = "p"\n' + text)
    return [f"{each.line} {each.key} {each.what}" for each in caught.value.complaints]


def test_complete_file_is_understood() -> None:
    found = read(COMPLETE)
    assert found.project.id == "plates-2"
    assert found.project.outputs == "results"
    assert found.remote.url == "sftp://me@box:2222/mail"
    assert found.remote.identity == Path.home() / ".ssh" / "id_ed25519"
    assert found.remote.known_hosts == Path("/project/hosts")
    assert found.push.include == ("data/plates", "models/*.bin")
    assert found.pull.max_size == 2_000_000_000
    assert found.run.on == ("colab",)
    assert found.machines["box"].mailbox == "folder:/mnt/mail"
    assert found.machines["box"].python == "python3"
    assert found.grade.references == Path("/project/answers.jsonl")
    assert (found.keep.snapshots, found.keep.days) == (5, 0)


def test_smallest_file_has_defaults() -> None:
    found = read('[project]\nid = "p"')
    assert found.project.outputs == "outputs"
    assert found.remote.url is None
    assert (found.run.retries, found.run.on, found.run.env) == (1, (), {})
    assert (found.keep.snapshots, found.keep.days) == (20, 30)


def test_named_run_takes_over_what_it_does_not_say() -> None:
    train = read(COMPLETE).runs["train"]
    assert train.command == "python train.py"
    assert train.on == ("ssh:box", "local")
    assert train.env == {"SEED": "1", "MODE": "slow"}
    assert (train.retries, train.gpu, train.setup) == (2, "T4", "pip install -r requirements.txt")


def test_own_way_of_splitting_replaces_the_common_one() -> None:
    runs = read(COMPLETE).runs
    assert (runs["train"].shards, runs["train"].over, runs["train"].chunk) == (4, None, None)
    assert (runs["predict.v2"].over, runs["predict.v2"].chunk, runs["predict.v2"].limit) == (
        "inputs.jsonl",
        100,
        10,
    )
    assert runs["predict.v2"].command == ("python", "predict.py", "a b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[push]\ninclde = []", "4 push.inclde is no setting of [push]; did you mean include?"),
        ("[pul]\n", "3 pul is no setting of hybrid.toml; did you mean pull?"),
        ("[keep]\n\n# x\nsnapshots = 'many'", '6 keep.snapshots must be a whole number, at least 1, not "many"'),
        ("[keep]\nsnapshots = 0", "4 keep.snapshots must be a whole number, at least 1, not 0"),
        ("[keep]\ndays = true", "4 keep.days must be a whole number, at least 0, not true"),
        ("[push]\ninclude = [\n 'a',\n 3 ]", '4 push.include must be a list of strings, not ["a", 3]'),
        ("[remote]\nurl = 'mail'", "4 remote.url must be a URL such as"),
        ("[remote]\nurl = ''", "4 remote.url must be a URL such as"),
        ("[pull]\nmax_size = '2 gigs'", "4 pull.max_size must be a size such as"),
        ("[run]\nmax_hours = 0", "4 run.max_hours must be a number above 0, not 0"),
        ("[run]\nmax_hours = nan", "4 run.max_hours must be a number above 0, not NaN"),
        ("[run]\nenv = { SEED = 1 }", '4 run.env must be a table of strings: SEED is not a string; write SEED = "1"'),
        ("[run.env]\nA = 'x'\nSEED = 1", "3 run.env must be a table of strings: SEED is not a string"),
        ("[run]\ncommand = 'x'", "4 run.command is no setting of [run]"),
        ("[run.train]\nretries = 0", "3 run.train has no command; write what it runs"),
        ("[run.train]\ncommand = []", "4 run.train.command must be a string (for the shell)"),
        ("[run.train]\ncommand = 'x'\nshrads = 2", "5 run.train.shrads is no setting of [run.train]; did you mean shards?"),
        ("[run.'-x y']\ncommand = 'x'", '3 run."-x y" is no name'),
        ("[run]\nover = 'a'\nshards = 2", "5 run.shards cannot stand beside over"),
        ("[machines]\nbox = 'me@box'", "4 machines.box must be a table: write [machines.box]"),
        ("[machines.box]\npython = 'python3.12'", "3 machines.box has no host"),
        ("[grade]\npattern = '('", "4 grade.pattern must be a regular expression: "),
        ("[grade]\ntolerance = -1", "4 grade.tolerance must be a number, at least 0, not -1"),
        ("push = 3", "3 project.push is no setting of [project]"),
        ("[[keep]]\ndays = 3", "3 keep must be a table: write [keep]"),
    ],
)  # fmt: skip
def test_mistake_is_named_with_line_key_and_remedy(text: str, expected: str) -> None:
    [found] = complaints(text)
    assert found.startswith(expected)


def test_several_mistakes_are_reported_at_once_in_the_order_of_lines() -> None:
    found = complaints("[keep]\ndays = 'x'\nsnapshot = 3\n[remote]\nurl = 7\n[nonsense]\n")
    assert [line.split()[:2] for line in found] == [
        ["4", "keep.days"],
        ["5", "keep.snapshot"],
        ["7", "remote.url"],
        ["8", "nonsense"],
    ]


def test_message_names_the_file_and_each_line() -> None:
    with pytest.raises(ConfigError, match=r"^2 mistakes in .*\n  .*hybrid.toml:2: .*\n  .*hybrid.toml:3: "):
        read('[project]\nid = "No Good"\nouputs = "x"')
    with pytest.raises(ConfigError, match=r"^\S*hybrid.toml:2: project.id must be 1 to 48 small letters"):
        read('[project]\nid = "No Good"')


def test_project_without_id_is_told_to_write_one() -> None:
    with pytest.raises(ConfigError, match=r"project has no id; write one"):
        read("")
    with pytest.raises(ConfigError, match=r"project has no id; write one"):
        read("[remote]\nurl = 'folder:/x'")


def test_setting_outside_its_table_is_told_where_to_go() -> None:
    with pytest.raises(
        ConfigError, match=r"hybrid.toml:1: url stands outside its table; put it under \[remote\]"
    ):
        read("url = 'folder:/x'\n[project]\nid = 'p'")


@pytest.mark.parametrize(
    "folder", ["/abs", "..", "a/../..", ".", ".git", ".hybrid/x", "C:\\x", "a\\..\\b", ""]
)
def test_outputs_stay_inside_the_project(folder: str) -> None:
    with pytest.raises(ConfigError, match=r"project\.outputs must be a folder inside the project"):
        read(f"[project]\nid = 'p'\noutputs = '{folder}'")


@pytest.mark.parametrize(
    ("text", "size"),
    [("7", 7), ("'7'", 7), ("'1 KB'", 1000), ("'1KiB'", 1024), ("'1.5 MB'", 1_500_000), ("'2gib'", 2 << 30)],
)
def test_sizes_are_decimal_or_binary_as_written(text: str, size: int) -> None:
    assert read(f"[project]\nid = 'p'\n[pull]\nmax_size = {text}").pull.max_size == size


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[project]\nid = \n", 2),
        ("[project]\nid = 'p'\nid = 'q'\n", 3),
        ('[project]\nid = "p', 2),
        ("[project", 1),
    ],
)
def test_syntax_mistake_is_named_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ConfigError, match=rf"^\S*hybrid.toml:{line}: this is not TOML: "):
        read(text)


def test_file_of_windows_notepad_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hybrid.toml"
    path.write_bytes(b'\xef\xbb\xbf[project]\r\nid = "p"\r\n[keep]\r\ndayz = 3\r\n')
    with pytest.raises(ConfigError, match=r":4: keep\.dayz is no setting of \[keep\]; did you mean days\?"):
        load(path)


def test_file_that_is_not_utf8_is_named_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "hybrid.toml"
    path.write_bytes(b'[project]\nid = "caf\xe9"\n')
    with pytest.raises(ConfigError, match=r"hybrid.toml:2: the file is not UTF-8"):
        load(path)


def test_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no .*hybrid\.toml"):
        load(tmp_path / "hybrid.toml")
    (tmp_path / "hybrid.toml").mkdir()
    with pytest.raises(UsageError, match=r"Cannot read .*hybrid\.toml"):
        load(tmp_path / "hybrid.toml")


def test_lines_are_found_in_any_way_to_write_a_key() -> None:
    text = (
        "a.b = 1\n"
        "text = '''\nfake = 1\n[fake]\n'''\n"
        'more = """\n  \\"""\n  x = 1"""\n'
        "list = [ # ]\n  '[', \"]\",\n]\n"
        "[t . 'q r']\n"
        '"k\\u0061" = { inner = 1 }\n'
        "[[many]]\nx = 1\n"
    )
    lines = Lines(text)
    keys = [("a", "b"), ("text",), ("more",), ("list",), ("t", "q r"), ("t", "q r", "ka"), ("many", "x")]
    assert [lines.of(key) for key in keys] == [1, 2, 6, 9, 12, 13, 15]
    assert lines.of(("t", "q r", "ka", "inner")) == 13
    assert lines.of(("fake",)) == 1


@given(st.text("ab.=[]{}\"'#\n \\,1", max_size=60))
def test_finding_lines_always_ends(text: str) -> None:
    with contextlib.suppress(ValueError):  # text that tomllib would have refused before
        Lines(text)
