"""``hybrid.toml``, the only file that a user edits, as frozen settings.

Each class below is one table and each of its fields one key; ``docs/config.md`` says what they mean. All mistakes
of a file are reported at once, each with its line and what to do.
"""

# ruff: noqa: RUF009  (setting() makes a dataclass field, no value that instances would share)

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tomllib

from sync.errors import UsageError

from .config_auto import AgentSettings, AutoSettings, check_auto
from .config_grade import GradeSettings
from .config_lines import Lines
from .config_schema import (
    COMMAND,
    COUNT,
    GPU,
    INNER_FOLDER,
    NATURAL,
    PATH,
    POSITIVE,
    PROJECT_ID,
    SIZE,
    TEXT,
    TEXTS,
    URL,
    VARIABLES,
    Complaint,
    Reader,
    kinds_of,
    setting,
)

FILE_NAME = "hybrid.toml"


@dataclass(frozen=True, kw_only=True)
class ProjectSettings:
    id: str = setting(PROJECT_ID, "")
    outputs: str = setting(INNER_FOLDER, "outputs")


@dataclass(frozen=True, kw_only=True)
class RemoteSettings:
    url: str | None = setting(URL)
    identity: Path | None = setting(PATH)
    known_hosts: Path | None = setting(PATH)


@dataclass(frozen=True, kw_only=True)
class PushSettings:
    include: tuple[str, ...] = setting(TEXTS, ())


@dataclass(frozen=True, kw_only=True)
class PullSettings:
    """``max_size`` in bytes; None is no limit."""

    include: tuple[str, ...] = setting(TEXTS, ())
    exclude: tuple[str, ...] = setting(TEXTS, ())
    max_size: int | None = setting(SIZE)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """``[run]``, what holds for every run; and with a command ``[run.NAME]``, joined with what ``[run]`` says.

    ``command`` is a string for the shell or a program with its arguments. None means: not said.
    """

    on: tuple[str, ...] = setting(TEXTS, ())
    setup: str | None = setting(TEXT)
    retries: int = setting(NATURAL, 1)
    max_hours: float | None = setting(POSITIVE)
    gpu: str | None = setting(GPU)
    env: Mapping[str, str] = field(default_factory=dict, metadata={"kind": VARIABLES})
    parallel: int | None = setting(COUNT)
    over: str | None = setting(TEXT)
    chunk: int | None = setting(COUNT)
    shards: int | None = setting(COUNT)
    limit: int | None = setting(COUNT)


@dataclass(frozen=True, kw_only=True)
class NamedRun(RunSettings):
    command: str | tuple[str, ...] = setting(COMMAND, "")


@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    """``mailbox``: the remote's URL as that machine sees it; None where it is the same."""

    host: str = setting(TEXT, "")
    mailbox: str | None = setting(URL)
    python: str = setting(TEXT, "python3")
    identity: Path | None = setting(PATH)
    known_hosts: Path | None = setting(PATH)
    work_dir: str | None = setting(TEXT)


@dataclass(frozen=True, kw_only=True)
class KeepSettings:
    snapshots: int = setting(COUNT, 20)
    days: int = setting(NATURAL, 30)


@dataclass(frozen=True, kw_only=True)
class Config:
    """All of ``hybrid.toml``. ``runs`` and ``machines`` are keyed by the name in ``[run.NAME]``, ``[machines.NAME]``."""

    project: ProjectSettings
    remote: RemoteSettings = RemoteSettings()
    push: PushSettings = PushSettings()
    pull: PullSettings = PullSettings()
    run: RunSettings = field(default_factory=RunSettings)
    runs: Mapping[str, NamedRun] = field(default_factory=dict)
    machines: Mapping[str, MachineSettings] = field(default_factory=dict)
    grade: GradeSettings = GradeSettings()
    keep: KeepSettings = KeepSettings()
    auto: AutoSettings = AutoSettings()
    agent: AgentSettings = AgentSettings()


TABLES: dict[str, type] = {
    "project": ProjectSettings,
    "remote": RemoteSettings,
    "push": PushSettings,
    "pull": PullSettings,
    "run": RunSettings,
    "machines": MachineSettings,
    "grade": GradeSettings,
    "keep": KeepSettings,
    "auto": AutoSettings,
    "agent": AgentSettings,
}


class ConfigError(UsageError):
    """``hybrid.toml`` cannot be used; ``complaints`` say why, in the order of their lines."""

    def __init__(self, path: Path, complaints: list[Complaint]) -> None:
        self.complaints = tuple(sorted(complaints, key=lambda complaint: complaint.line))
        found = [
            f"{path}:{each.line}: {f'{each.key} ' if each.key else ''}{each.what}."
            for each in self.complaints
        ]
        message = found[0] if len(found) == 1 else "\n  ".join([f"{len(found)} mistakes in {path}:", *found])
        super().__init__(message, "Correct the lines named above.")


def load(path: Path) -> Config:
    """The settings in the file at ``path``. Raises ConfigError, or UsageError where it cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"There is no {path}.", "hybrid init") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", "See who may read that file.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = "the file is not UTF-8 text; save it as UTF-8"
        raise ConfigError(path, [Complaint(line=line, key="", what=what)]) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """The settings in ``text``; ``path`` is for messages, and relative paths start from its folder."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [_syntax(str(error), text)]) from error
    reader = Reader(Lines(text), path.parent)
    config = _config(document, reader)
    if reader.complaints:
        raise ConfigError(path, reader.complaints)
    return config


def _syntax(message: str, text: str) -> Complaint:
    place = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message)
    if place is None:
        return Complaint(
            line=text.rstrip().count("\n") + 1, key="", what=f"this is not TOML: {message.removesuffix('.')}"
        )
    return Complaint(line=int(place[2]), key="", what=f"this is not TOML: {place[1]}, in column {place[3]}")


def _config(document: Mapping[str, object], reader: Reader) -> Config:
    tables: dict[str, dict[str, object]] = {name: {} for name in TABLES}
    for name, value in document.items():
        if name in TABLES:
            tables[name] = reader.table(value, (name,))
        elif not isinstance(value, dict) and (homes := [t for t, c in TABLES.items() if name in kinds_of(c)]):
            reader.complain((name,), f"stands outside its table; put it under [{homes[0]}]")
        else:
            reader.unknown(name, TABLES, ())
    project = reader.read(ProjectSettings, tables["project"], ("project",))
    if "id" not in tables["project"]:
        reader.complain(
            ("project",), 'has no id; write one that no other project of yours has: id = "my-project"'
        )
    run, runs = _runs(tables["run"], reader)
    auto = reader.read(AutoSettings, tables["auto"], ("auto",))
    check_auto(auto, runs, reader)
    return Config(
        project=project,
        remote=reader.read(RemoteSettings, tables["remote"], ("remote",)),
        push=reader.read(PushSettings, tables["push"], ("push",)),
        pull=reader.read(PullSettings, tables["pull"], ("pull",)),
        run=run,
        runs=runs,
        machines=_machines(tables["machines"], reader),
        grade=reader.read(GradeSettings, tables["grade"], ("grade",)),
        keep=reader.read(KeepSettings, tables["keep"], ("keep",)),
        auto=auto,
        agent=reader.read(AgentSettings, tables["agent"], ("agent",)),
    )


def _runs(given: Mapping[str, object], reader: Reader) -> tuple[RunSettings, dict[str, NamedRun]]:
    known = kinds_of(RunSettings)
    named = {name: value for name, value in given.items() if name not in known and isinstance(value, dict)}
    common = {name: value for name, value in given.items() if name not in named}
    run = reader.read(RunSettings, common, ("run",))
    _check_split(common, ("run",), reader)
    runs = {}
    for name, own in named.items():
        key = ("run", name)
        _check_name(key, reader)
        _check_split(own, key, reader)
        if "command" not in own:
            reader.complain(key, 'has no command; write what it runs: command = "python train.py"')
        runs[name] = reader.read(NamedRun, own, key, base=_base(run, own))
    return run, runs


def _base(run: RunSettings, own: Mapping[str, object]) -> NamedRun:
    """What a named run takes over: its own way of splitting the work replaces the common one."""
    common = {each.name: getattr(run, each.name) for each in dataclasses.fields(run)}
    if "over" in own:
        common |= {"shards": None}
    if "shards" in own:
        common |= {"over": None, "chunk": None}
    return NamedRun(**common)


def _check_split(given: Mapping[str, object], key: tuple[str, ...], reader: Reader) -> None:
    if "over" in given and "shards" in given:
        reader.complain(
            (*key, "shards"), "cannot stand beside over: split the inputs by chunk, or count shards"
        )


def _machines(given: Mapping[str, object], reader: Reader) -> dict[str, MachineSettings]:
    machines = {}
    for name, value in given.items():
        key = ("machines", name)
        _check_name(key, reader)
        table = reader.table(value, key)
        if "host" not in table and isinstance(value, dict):
            reader.complain(key, 'has no host; write how ssh reaches it: host = "user@host"')
        machines[name] = reader.read(MachineSettings, table, key)
    return machines


def _check_name(key: tuple[str, ...], reader: Reader) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", key[-1]):
        reader.complain(key, "is no name: use letters, digits, hyphens and dots")
