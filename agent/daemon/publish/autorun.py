"""Queues the runs of ``[auto]`` when files that matter to them were published.

States are compared, not events: what was queued last was queued for one state of the files, and a run is due while the
published state is another one. So a kill at any moment neither loses a run nor makes it twice.
"""

import random
from collections.abc import Collection

from sync.errors import CorruptMailbox, HybridError, NewerMailbox, NotFound, UsageError
from sync.local.index import Index
from sync.mailbox.records import Spec
from sync.mailbox.state import Phase
from sync.push.changes import Published
from sync.store.reader import Reader

from ... import launchers, machines, planning, running, stopping
from ...config import NamedRun
from ...config_auto import AutoSettings
from ...mailbox import Mailbox, Run
from ...run_names import name_of
from ...state import State
from ..runs.outcome import Outcome
from ..tell import events, tidings
from ..tell.events import Event
from ..tell.status import Need
from .auto_state import AutoState, Intent, Last
from .selection import Selection, fingerprint, fingerprint_of

TRY_AGAIN_S = 60.0
"""Seconds after which a run that could not be planned is tried again, where nothing is published before."""


def is_due(last: Last | None, state: str) -> bool:
    """Whether a run has to be queued for the files in this state. One that was never queued is."""
    return last is None or last.hash != state


def may_be_superseded(run: Run) -> bool:
    """Whether nobody has ever begun it."""
    return run.phase is Phase.QUEUED and not run.seen.claims


class AutoRuns:
    """One for each process; for one thread. ``dice`` makes the ends of run ids."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._settled: AutoSettings | None = None
        """The settings by which the published state was compared, once all that came of it is done."""
        self._happened: list[Event] = []
        self._needs: list[Need] = []

    def published(
        self,
        mailbox: Mailbox,
        state: State,
        index: Index,
        published: Published,
        changed: Collection[bytes] | None = None,
    ) -> Outcome:
        """To be called after each publication, and at the start with the last one; the caller holds the push lock.

        ``changed`` are the paths that differ from the publication before, None where that is not known. Raises what the
        mailbox and the state database raise; to be called again then.
        """
        memory = AutoState(state)
        auto = mailbox.project.config.auto
        for intent in memory.intents():
            self._fulfil(mailbox, memory, intent)
        selection = Selection(auto.on)
        same = self._settled == auto and changed is not None and not any(map(selection.matches, changed))
        if not auto.run:
            self._needs = []
        elif not same:
            self._compare(mailbox, memory, index, published, selection)
        happened, self._happened = self._happened, []
        again_s = TRY_AGAIN_S if self._needs else None
        return Outcome(events=happened, needs=list(self._needs), again_s=again_s)

    def _compare(
        self, mailbox: Mailbox, memory: AutoState, index: Index, published: Published, selection: Selection
    ) -> None:
        self._settled = None
        self._needs = []
        state = fingerprint(selection, index.all_contents(), index.others())
        for name in mailbox.project.config.auto.run:
            last = memory.last(name)
            if last is None and (run_id := _queued_before(mailbox, name, published, selection, state)):
                memory.queued(name, Last(hash=state, run=run_id))
            elif is_due(last, state):
                self._queue(mailbox, memory, index, published, name, state, last.run if last else "")
        self._settled = None if self._needs else mailbox.project.config.auto

    def _queue(
        self,
        mailbox: Mailbox,
        memory: AutoState,
        index: Index,
        published: Published,
        name: str,
        state: str,
        replaces: str,
    ) -> None:
        try:
            called, settings = planning.settle(mailbox.project.config, name, planning.Wish())
            spec = running.spec_for(
                mailbox,
                index,
                settings,
                name=called,
                snapshot=published.snapshot,
                target=_target(mailbox, settings),
                chance=f"{self._dice.getrandbits(16):04x}",
            )
        except UsageError as error:
            self._needs.append(
                Need(key=f"auto:{name}", what=f"Run {name} cannot be queued: {error}", how=error.hint)
            )
            return
        intent = Intent(name=name, mailbox=mailbox.format.mailbox, hash=state, spec=spec, replaces=replaces)
        memory.intend(intent)
        self._fulfil(mailbox, memory, intent)

    def _fulfil(self, mailbox: Mailbox, memory: AutoState, intent: Intent) -> None:
        """Makes the run and ends the one that it replaces. Each step may be done again."""
        if intent.mailbox != mailbox.format.mailbox:
            memory.drop(intent)  # what it would run is not in this mailbox
            return
        spec = intent.spec
        memory.own.note(spec)
        running.write(mailbox, spec)
        superseded = intent.replaces and _supersede(mailbox, intent.replaces, spec)
        memory.queued(intent.name, Last(hash=intent.hash, run=spec.run))
        self._happened.append(tidings.queued(spec))
        if superseded:
            self._happened.append(
                Event(
                    kind=events.SUPERSEDED,
                    text=f"Run {intent.replaces} was stopped before anybody began it: {spec.run} takes its place.",
                    run=intent.replaces,
                    data={"by": spec.run},
                )
            )


def _supersede(mailbox: Mailbox, run_id: str, spec: Spec) -> bool:
    try:
        run = mailbox.run(run_id)
    except (NotFound, CorruptMailbox, NewerMailbox):
        return False  # removed, or beyond use: nothing to be stopped
    if not may_be_superseded(run):
        return False
    stopping.stop(mailbox, run_id, f"superseded by {spec.run}")
    return True


def _queued_before(
    mailbox: Mailbox, name: str, published: Published, selection: Selection, state: str
) -> str:
    """The newest run of that name, where it is of this laptop and of files in just this state: then the memory of it was
    lost with the state database, or a person was faster. Empty where there is none."""
    named = [run_id for run_id in mailbox.run_ids() if name_of(run_id) == planning.slug(name)]
    if not named:
        return ""
    try:
        spec = mailbox.spec(named[-1])
        if (spec.name, spec.laptop) != (name, mailbox.laptop):
            return ""
        if spec.snapshot != published.snapshot:
            reader = Reader(mailbox.remote, mailbox.base)
            if fingerprint_of(selection, reader.entries(reader.root(spec.snapshot))) != state:
                return ""
    except (NotFound, CorruptMailbox, NewerMailbox):
        return ""
    return spec.run


def _target(mailbox: Mailbox, settings: NamedRun) -> str:
    """Where the run goes: of several machines the first that answers. Raises UsageError."""
    project = mailbox.project
    chosen = settings.on or (launchers.default_target(project),)
    for target in chosen:
        launchers.check(target)
    if len(chosen) == 1:
        return chosen[0]
    try:
        target, launch, _ = machines.first_reachable(chosen, project)
    except UsageError:
        raise
    except HybridError as error:
        raise UsageError(str(error), error.hint) from error
    if launch is not None:
        launch.close()
    return target
