"""What a run was: its spec and its workers, read from the mailbox, and remembered here for when that is out of reach."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sync.errors import CorruptMailbox, NewerMailbox
from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Hello, Spec
from sync.mailbox.view import look

from . import details, runs
from .mailbox import Mailbox
from .state import State

_SCHEMA = "CREATE TABLE IF NOT EXISTS run_facts (run TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID"
_MOST_WORKERS = 50


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """``workers`` are those whose attempts are complete; where there are none, all that took part."""

    spec: Spec
    workers: Sequence[Hello]


def gather(mailbox: Mailbox, run: str) -> RunFacts:
    """Raises NotFound, CorruptMailbox, NewerMailbox, and what the remote raises."""
    spec = runs.spec_of(mailbox, run)
    seen = look(mailbox.remote, mailbox.base, RunFolder(run))
    names = sorted({attempt.worker for attempt in seen.done} or seen.hellos)[:_MOST_WORKERS]
    hellos = (details.read(Hello, mailbox, run, RunFolder.hello(name)) for name in names)
    return RunFacts(spec=spec, workers=[hello for hello in hellos if hello is not None])


class FactsMemory:
    """The table ``run_facts`` of ``.hybrid/state.db``."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.prepare(_SCHEMA)

    def put(self, facts: RunFacts) -> None:
        sealed = [
            records.encode(facts.spec).decode(),
            *(records.encode(one).decode() for one in facts.workers),
        ]
        with self._state.writing() as connection:
            values = (facts.spec.run, json.dumps(sealed))
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
