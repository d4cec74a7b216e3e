"""Telling the others that a shard is home: the record travels while the shard is being laid out, and gets its name after
that, so that the last thing of a pull is a name and not three round trips."""

import threading
from types import TracebackType

from ..mailbox import records
from ..mailbox.layout import RunFolder
from ..mailbox.records import Accepted
from ..remotes.base import Remote
from ..store.lanes import Answer
from .lanes import PullLanes
from .pulled import Choice


class Teller:
    """Writes into ``folder``, that of a run, for ``laptop``. ``names`` is what lies there already; it grows. For one
    thread."""

    def __init__(self, remote: Remote, folder: str, laptop: str, names: set[str], lanes: PullLanes) -> None:
        self._remote = remote
        self._folder = folder
        self._laptop = laptop
        self._lanes = lanes
        self.names = names
        self.ahead = 0
        """Records on their way whose shard is not home. There are no more than lanes of their own, or one might wait
        behind another whose shard waits in turn."""

    def name(self, shard: int) -> str:
        return RunFolder.accepted(shard, self._laptop)

    def has_told(self, shard: int) -> bool:
        return self.name(shard) in self.names

    def start(self, telling: "Telling", *, ahead: bool) -> Answer[bool] | None:
        """``ahead``: only where a lane is free for it."""
        if self.has_told(telling.shard):
            return None
        lanes = self._lanes.tellers if ahead else self._lanes.calls
        if ahead and (lanes.count == 1 or self.ahead >= lanes.count):
            return None
        path = f"{self._folder}/{self.name(telling.shard)}"
        return lanes.start(lambda: self._remote.write(path, telling.record, telling.until_home))


class Telling:
    """That of one shard. A context, at the end of which the shard is ``home``, or the record is dropped without a name."""

    def __init__(self, teller: Teller, shard: int, choice: Choice) -> None:
        self.shard = shard
        self.record = records.encode(Accepted(attempt=choice.attempt, snapshot=choice.snapshot))
        self._teller = teller
        self._is_home = False
        self._is_over = threading.Event()
        self._is_ahead = False
        self._answer: Answer[bool] | None = None

    @property
    def is_on_its_way(self) -> bool:
        return self._answer is not None

    def begin(self) -> None:
        """The record may travel from now on."""
        self._answer = self._teller.start(self, ahead=True)
        self._is_ahead = self._answer is not None
        self._teller.ahead += self._is_ahead

    def home(self) -> None:
        """Where the shard's outputs will be found from now on, whatever happens to this machine."""
        self._is_home = True

    def until_home(self) -> None:
        """Called when the record lies in the mailbox without its name."""
        self._is_over.wait()
        if not self._is_home:
            raise _NotHome

    def wait(self) -> None:
        """Until the others can see it. Raises what writing it raised."""
        assert self._answer is not None
        self._answer()
        self._teller.names.add(self._teller.name(self.shard))

    def __enter__(self) -> "Telling":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._teller.ahead -= self._is_ahead
        if self._is_home and not self._is_ahead:
            self._answer = self._teller.start(self, ahead=False)


class _NotHome(Exception):
    """The shard's outputs did not come home after all."""
