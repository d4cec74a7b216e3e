"""What comes out of one grading, as it goes: rows for the ledger, and the numbers of its report."""

from collections.abc import Sequence

from . import tables
from .arc_metrics import ArcTally
from .ledger import Facts, Recorder
from .metrics import Tallies
from .parallel import Graded
from .reading.reader import Notes
from .scorer import Shape
from .scores import Grade, Missing


class Book:
    """Counts what it is given, and hands it on to the ``recorder``. ``arc`` counts for an ARC scorer only."""

    def __init__(self, recorder: Recorder, shape: Shape) -> None:
        self.tallies = Tallies()
        self.arc = ArcTally() if shape is Shape.ARC else None
        self._recorder = recorder

    def add(self, grade: Grade) -> None:
        self._recorder.add(grade)
        self.tallies.add(grade)
        if self.arc is not None:
            self.arc.add(grade)

    def add_part(self, part: Graded) -> None:
        self._recorder.add_columns(tables.columns(part.columns), part.rows)
        self.tallies.merge(part.tallies)

    def close(self, missing: Sequence[Missing], notes: Notes, unheard: int) -> None:
        """With what is known only now."""
        for one in missing:
            self._recorder.add_missing(one)
            self.tallies.add_missing(one)
            if self.arc is not None:
                self.arc.add_missing(one)
        unread = [str(one) for one in notes.unread]
        self._recorder.tell(Facts(unread=unread, unheard=unheard))
