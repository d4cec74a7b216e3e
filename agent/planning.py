"""What a run is made of: the command line, ``hybrid.toml`` and the tree become a spec. Decisions only."""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from sync.errors import UsageError
from sync.local.noted import Noted
from sync.local.read import FileChanged, FileUnreadable, open_stable
from sync.mailbox import inputs
from sync.mailbox.records import MOST_SHARDS, Inputs, Spec

from .config import Config, NamedRun
from .config_schema import GPU, gpu

USUAL_SHARDS = 16
"""How many shards inputs are spread over when nothing says how many go into one."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the command line said; None and empty mean that it did not."""

    command: tuple[str, ...] = ()
    name: str | None = None
    on: tuple[str, ...] = ()
    over: str | None = None
    chunk: int | None = None
    shards: int | None = None
    limit: int | None = None
    retries: int | None = None
    gpu: str | None = None
    max_hours: float | None = None
    parallel: int | None = None
    env: Mapping[str, str] | None = None
    setup: str | None = None


def settle(config: Config, named: str | None, wish: Wish) -> tuple[str, NamedRun]:
    """The run's name and its settings: the command line wins over ``[run.NAME]``, that over ``[run]``.

    Raises UsageError where there is no command, or the run is split in two ways.
    """
    if named is not None:
        run = config.runs[named]
    else:
        run = NamedRun(**{key: getattr(config.run, key) for key in config.run.__dataclass_fields__})
        run = replace(run, command=wish.command)
    if wish.shards is not None and wish.over is None:
        run = replace(run, over=None, chunk=None)
    if wish.over is not None and wish.shards is None:
        run = replace(run, shards=None)
    settings = {each.name: getattr(wish, each.name) for each in fields(wish)}
    given = {
        key: value
        for key, value in settings.items()
        if key not in ("command", "name", "env") and value not in (None, ())
    }
    if wish.gpu is not None:
        try:
            given["gpu"] = gpu(wish.gpu, Path())
        except ValueError as error:
            raise UsageError(f"--gpu {wish.gpu} cannot name a GPU.", f"Write {GPU.name}.") from error
    run = replace(run, **given, env={**run.env, **(wish.env or {})})
    if not run.command:
        raise UsageError(
            "There is nothing to run.", "hybrid run -- COMMAND, or name a [run.NAME] of hybrid.toml."
        )
    if run.over and run.shards:
        raise UsageError(
            "A run is split by --over or by --shards, not by both.",
            "Use --over FILE --chunk K, or --shards N.",
        )
    if run.limit and not run.over:
        raise UsageError("--limit takes the first inputs of a run, and it has none.", "Add --over FILE.")
    if run.chunk and not run.over:
        raise UsageError(
            "--chunk says how many inputs go into a shard, and there are none.", "Add --over FILE."
        )
    return wish.name or named or _short_name(run.command), run


def spread(run: NamedRun, root: Path, rows: Mapping[bytes, Noted]) -> tuple[int, Inputs, bool]:
    """How many shards, which inputs, and whether it is only a sample. ``rows`` are the files of the snapshot.

    Raises UsageError where the inputs are not in the snapshot, or there are none.
    """
    if not run.over:
        return run.shards or 1, Inputs(), False
    path = run.over.replace("\\", "/").removeprefix("./")
    if inputs.is_pattern(path):
        kind, total = inputs.FILES, len(inputs.matching(path, rows))
        if not total:
            raise UsageError(
                f"No file of the project matches --over {run.over}.",
                "Quote the pattern, and see with `hybrid push --dry-run` whether the files are held back.",
            )
    else:
        kind, total = inputs.LINES, _count_lines(path, root, rows)
    count = min(total, run.limit) if run.limit else total
    chunk = run.chunk or -(-count // USUAL_SHARDS)
    shards = inputs.shard_count(count, chunk)
    if shards > MOST_SHARDS:
        raise UsageError(
            f"{count:,} inputs in chunks of {chunk} are {shards:,} shards, and {MOST_SHARDS:,} is the most.",
            "Use a larger --chunk.",
        )
    return shards, Inputs(kind=kind, path=path, chunk=chunk, count=count), count < total


def spec(
    run: NamedRun,
    *,
    run_id: str,
    name: str,
    laptop: str,
    created: float,
    snapshot: str,
    target: str,
    shards: int,
    given: Inputs,
    sample: bool,
) -> Spec:
    command = [] if isinstance(run.command, str) else list(run.command)
    return Spec(
        run=run_id,
        laptop=laptop,
        created=created,
        snapshot=snapshot,
        target=target,
        shards=shards,
        command=command,
        shell=run.command if isinstance(run.command, str) else "",
        setup=run.setup or "",
        inputs=asdict(given),
        retries=run.retries,
        sample=sample,
        env=dict(run.env),
        gpu=run.gpu or "none",
        parallel=run.parallel or 0,
        max_hours=run.max_hours or 0.0,
        name=name,
    )


def run_id(name: str, created: float, chance: str) -> str:
    """``20261120-223105-train-9f3a``: sorts by time, and can be typed by its beginning or its name.

    The time is UTC, because local time goes back once a year, and laptops of one project may be anywhere.
    """
    moment = datetime.fromtimestamp(created, UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{name}-{chance}"


def _short_name(command: str | Iterable[str]) -> str:
    """The script that is run, without folder and ending; else the program."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    scripts = (
        word for word in words[1:] if ("." in word or "/" in word) and not re.search(r"[\s(=]|^-", word)
    )
    return slug(Path(next(scripts, words[0])).stem) or "run"


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:30].strip("-")


def _count_lines(path: str, root: Path, rows: Mapping[bytes, Noted]) -> int:
    """The inputs in a file of the snapshot, counted in the same file on disk."""
    raw = path.encode("utf-8", "surrogateescape")
    row = rows.get(raw)
    if row is None:
        there = (root / path).exists()
        raise UsageError(
            f"--over {path} is not in the snapshot: {'it is held back' if there else 'there is no such file in the project'}.",
            f'Write under [push] in hybrid.toml: include = ["{path}"]'
            if there
            else "Paths start at hybrid.toml.",
        )
    try:
        with open_stable(root, raw) as source:
            same = source.signature == row.signature
            count = 0
            rest = b""
            for block in source.blocks():
                *whole, rest = (rest + block).split(b"\n")
                count += sum(1 for _ in inputs.lines(whole))
            count += sum(1 for _ in inputs.lines([rest]))
    except (FileChanged, FileUnreadable) as error:
        raise UsageError(f"--over {path} cannot be counted: {error}", "Try again.") from error
    if not same:
        raise UsageError(f"{path} changed while the run was made.", "Try again.")
    if not count:
        raise UsageError(
            f"There is no input in {path}: it has no line that is not blank.", "Look at the file."
        )
    return count
