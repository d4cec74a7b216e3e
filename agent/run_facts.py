"""What a run was: its spec and its workers, read from the mailbox, and remembered here for when that is out of reach."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sync.errors import CorruptMailbox, HybridError, NewerMailbox
from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Hello, Spec
from sync.mailbox.view import RunView, look

from . import details, runs
from .mailbox import Mailbox
from .snapshot_diff import Change
from .state import State

_LOG = logging.getLogger(__name__)
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS run_facts (run TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID",
    # Two snapshots, which never change, and how they differ.
    """CREATE TABLE IF NOT EXISTS snapshot_changes (
        a TEXT NOT NULL, b TEXT NOT NULL, told TEXT NOT NULL, PRIMARY KEY (a, b)
    ) WITHOUT ROWID""",
)
_MOST_WORKERS = 50
_LONGEST_TOLD = 1024 * 1024
"""Characters. What takes more is read again."""


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """``workers`` are those whose attempts are complete; where there are none, all that took part."""

    spec: Spec
    workers: Sequence[Hello]


@dataclass(frozen=True, kw_only=True)
class Code:
    """How the trees of two snapshots differ; ``commit_a`` and ``commit_b`` are empty where none is known."""

    commit_a: str
    commit_b: str
    changes: Sequence[Change]


def gather(mailbox: Mailbox, run: str) -> RunFacts:
    """Raises NotFound, CorruptMailbox, NewerMailbox, and what the remote raises."""
    spec = runs.spec_of(mailbox, run)
    return _facts(mailbox, spec, look(mailbox.remote, mailbox.base, RunFolder(run)))


def remember(mailbox: Mailbox, state: State, spec: Spec, seen: RunView) -> None:
    """Of a run that is over: for whoever compares it when the mailbox is out of reach, or has it no more. Whoever asks for this
    has something better to do, so what goes wrong is only logged."""
    try:
        FactsMemory(state).put(_facts(mailbox, spec, seen))
    except HybridError as error:
        _LOG.warning("what %s was is not remembered: %s", spec.run, error)


def _facts(mailbox: Mailbox, spec: Spec, seen: RunView) -> RunFacts:
    names = sorted({attempt.worker for attempt in seen.done} or seen.hellos)[:_MOST_WORKERS]
    hellos = (details.read(Hello, mailbox, spec.run, RunFolder.hello(name)) for name in names)
    return RunFacts(spec=spec, workers=[hello for hello in hellos if hello is not None])


class FactsMemory:
    """The tables ``run_facts`` and ``snapshot_changes`` of ``.hybrid/state.db``."""

    def __init__(self, state: State) -> None:
        self._state = state
        for statement in _SCHEMA:
            state.prepare(statement)

    def put(self, facts: RunFacts) -> None:
        sealed = [
            records.encode(facts.spec).decode(),
            *(records.encode(one).decode() for one in facts.workers),
        ]
        told = json.dumps(sealed)
        if len(told) <= _LONGEST_TOLD:
            with self._state.writing() as connection:
                values = (facts.spec.run, told)
                connection.execute("INSERT OR REPLACE INTO run_facts VALUES (?, ?)", values)

    def get(self, run: str) -> RunFacts | None:
        """None where nothing is remembered, or another version of this program wrote it."""
        with self._state.reading() as connection:
            row = connection.execute("SELECT told FROM run_facts WHERE run = ?", (run,)).fetchone()
        if row is None:
            return None
        try:
            spec, *workers = json.loads(row[0])
            return RunFacts(
                spec=records.decode(Spec, spec.encode(), "spec"),
                workers=[records.decode(Hello, one.encode(), "hello") for one in workers],
            )
        except (ValueError, CorruptMailbox, NewerMailbox):
            return None

    def put_code(self, a: str, b: str, code: Code) -> None:
        told = json.dumps([code.commit_a, code.commit_b, [asdict(one) for one in code.changes]])
        if len(told) <= _LONGEST_TOLD:
            with self._state.writing() as connection:
                connection.execute("INSERT OR REPLACE INTO snapshot_changes VALUES (?, ?, ?)", (a, b, told))

    def get_code(self, a: str, b: str) -> Code | None:
        """None where the two were never compared here, or another version of this program did."""
        with self._state.reading() as connection:
            row = connection.execute(
                "SELECT told FROM snapshot_changes WHERE a = ? AND b = ?", (a, b)
            ).fetchone()
        if row is None:
            return None
        try:
            commit_a, commit_b, found = json.loads(row[0])
            return Code(commit_a=commit_a, commit_b=commit_b, changes=[Change(**one) for one in found])
        except (ValueError, TypeError):
            return None
