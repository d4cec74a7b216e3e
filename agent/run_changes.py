"""What changed between two runs: their code, their parameters, the machines that they ran on.

All of it is in the mailbox, which may be out of reach. So it is asked for a while only, what it told once is remembered here, and what
could not be had is said: a comparison of grades needs none of it.
"""

import json
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sync.clock import Clock
from sync.errors import CorruptMailbox, HybridError, NewerMailbox, NotFound
from sync.mailbox import layout
from sync.mailbox.records import Hello, Spec
from sync.store.nouns import Root
from sync.store.reader import Reader

from . import mailbox as mailboxes
from .mailbox import Mailbox, Opener
from .project import Project
from .run_facts import Code, FactsMemory, RunFacts, gather
from .snapshot_diff import Change, changes
from .state import opened as opened_state

PATIENCE_S = 20.0
"""How long the mailbox is asked, in all."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """``a`` and ``b`` are texts for people; empty where there is nothing."""

    name: str
    a: str
    b: str


@dataclass(frozen=True, kw_only=True)
class RunChanges:
    """``code`` is None where the trees could not be compared. ``unknown`` are sentences about what could not be told."""

    code: Sequence[Change] | None
    commits: Difference | None
    parameters: Sequence[Difference]
    machine: Sequence[Difference]
    unknown: Sequence[str]


@dataclass(kw_only=True)
class _Seen:
    """What the mailbox told so far; a thread fills it while another may give up waiting."""

    facts: dict[str, RunFacts] = field(default_factory=dict)
    code: Code | None = None
    unknown: list[str] = field(default_factory=list)
    bug: BaseException | None = None


def between(
    project: Project,
    clock: Clock,
    a: str,
    b: str,
    *,
    warn: Callable[[str], None],
    opener: Opener = mailboxes.opened,
    patience_s: float = PATIENCE_S,
) -> RunChanges:
    """``a`` and ``b`` are names of kept gradings: ids of runs, or of files, of which nothing more is known.

    Raises HybridError where the local state cannot be used, and nothing for a mailbox.
    """
    with opened_state(project, warn) as state:
        memory = FactsMemory(state)
        files = [run for run in (a, b) if not _was_pulled(project, run) and memory.get(run) is None]
        if files:
            told = f"{' and '.join(files)}: graded from a file, so nothing is known of how it was made."
            return _unknown(told)
        seen = _asked(project, clock, (a, b), opener, patience_s)
        for run in (a, b):
            if run in seen.facts:
                memory.put(seen.facts[run])
            elif (known := memory.get(run)) is not None:
                seen.facts[run] = known
        first, second = seen.facts.get(a), seen.facts.get(b)
        if first is None or second is None:
            lacking = [run for run, facts in ((a, first), (b, second)) if facts is None]
            told = f"Nothing is remembered here of what was run as {' and '.join(lacking)}."
            return _unknown(*seen.unknown, told)
        code = _code(memory, seen, first.spec.snapshot, second.spec.snapshot)
    if code is None:
        seen.unknown.append("How their code differs is not known here.")
    return RunChanges(
        code=code.changes if code else None,
        commits=_commits(code) if code else None,
        parameters=parameters(first.spec, second.spec),
        machine=machine(first.workers, second.workers),
        unknown=seen.unknown,
    )


def _unknown(*told: str) -> RunChanges:
    return RunChanges(code=None, commits=None, parameters=[], machine=[], unknown=list(told))


def _code(memory: FactsMemory, seen: _Seen, a: str, b: str) -> Code | None:
    if a == b:
        return Code(commit_a="", commit_b="", changes=[])
    if seen.code is None:
        return memory.get_code(a, b)
    memory.put_code(a, b, seen.code)
    return seen.code


def _was_pulled(project: Project, name: str) -> bool:
    """Whether it is the id of a run whose outputs are here; of others nobody knows whether they are runs."""
    outputs = project.root / project.config.project.outputs
    return re.fullmatch(layout.RUN_ID, name) is not None and (outputs / name).is_dir()


def parameters(a: Spec, b: Spec) -> list[Difference]:
    """What was asked for, where it differs."""
    ours, theirs = _parameters(a), _parameters(b)
    return _differing(ours, theirs)


def machine(a: Sequence[Hello], b: Sequence[Hello]) -> list[Difference]:
    """Where it ran, where that differs."""
    return _differing(_machine(a), _machine(b))


def _differing(ours: dict[str, str], theirs: dict[str, str]) -> list[Difference]:
    names = dict.fromkeys([*ours, *theirs])
    found = (Difference(name=name, a=ours.get(name, ""), b=theirs.get(name, "")) for name in names)
    return [one for one in found if one.a != one.b]


def _parameters(spec: Spec) -> dict[str, str]:
    inputs = {name: value for name, value in spec.inputs.items() if value not in ("", 0, "none")}
    named = {
        "command": spec.shell or shlex.join(spec.command),
        "setup": spec.setup,
        "shards": str(spec.shards),
        "inputs": json.dumps(inputs, sort_keys=True) if inputs else "",
        "sample": "yes" if spec.sample else "no",
        "retries": str(spec.retries),
        "target": spec.target,
        "gpu": spec.gpu,
        "parallel": str(spec.parallel or ""),
        "max hours": f"{spec.max_hours:g}" if spec.max_hours else "",
    }
    return named | {f"env {name}": value for name, value in sorted(spec.env.items())}


def _machine(workers: Sequence[Hello]) -> dict[str, str]:
    def told(texts: Iterable[str]) -> str:
        return ", ".join(sorted(set(filter(None, texts))))

    return {
        "host": told(one.host for one in workers),
        "GPU": told(one.gpu or "none" for one in workers),
        "GPU memory": told(f"{one.vram_gb:.0f} GB" for one in workers if one.vram_gb),
        "Python": told(one.python for one in workers),
    }


def _commits(code: Code) -> Difference | None:
    if not code.commit_a and not code.commit_b:
        return None
    return Difference(name="commit", a=code.commit_a, b=code.commit_b)


def _commit(root: Root) -> str:
    commit = root.meta.get("commit")
    if not isinstance(commit, str):
        return ""
    return f"{commit[:12]}{', with changes' if root.meta.get('dirty') else ''}"


def _asked(project: Project, clock: Clock, runs: Sequence[str], opener: Opener, patience_s: float) -> _Seen:
    """In a thread of its own, which is left behind where the mailbox says nothing for too long."""
    seen = _Seen()

    def ask() -> None:
        try:
            with opener(project, clock) as mailbox:
                _look(mailbox, runs, seen)
        except HybridError as error:
            seen.unknown.append(f"The mailbox was of no help: {error}")
        except BaseException as error:
            seen.bug = error  # raised where somebody can see it

    thread = threading.Thread(target=ask, daemon=True, name="what-changed")
    thread.start()
    thread.join(patience_s)
    if not thread.is_alive():
        if seen.bug is not None:
            raise seen.bug
        return seen
    late = f"The mailbox did not answer within {patience_s:g} s."
    return _Seen(facts=dict(seen.facts), unknown=[late])


def _look(mailbox: Mailbox, runs: Sequence[str], seen: _Seen) -> None:
    mailbox.require()
    for run in runs:
        try:
            seen.facts[run] = gather(mailbox, run)
        except NotFound:
            seen.unknown.append(f"{run} is not in the mailbox any more.")
        except (CorruptMailbox, NewerMailbox) as error:
            seen.unknown.append(str(error))
    if not all(run in seen.facts for run in runs):
        return
    first, second = (seen.facts[run].spec.snapshot for run in runs)
    if first == second:
        return
    reader = Reader(mailbox.remote, mailbox.base)
    before, after = reader.root(first), reader.root(second)
    seen.code = Code(
        commit_a=_commit(before), commit_b=_commit(after), changes=changes(reader, before, after)
    )
