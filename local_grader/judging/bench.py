"""The judges of one grading, as they were asked for: what is wrong with the wish is said before anything is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync.clock import Clock
from sync.errors import UsageError
from sync.progress import Progress

from .. import rubrics
from ..judge import Judge
from ..judges import open_judge
from ..ledger import Judging
from ..rubrics.rubric import Kind
from ..scores import Grade
from .deciding import Decided, Way, decide
from .wish import JudgingRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """``judges`` by name, and the way in which they will be asked."""

    judges: Mapping[str, Judge]
    way: Way
    clock: Clock

    @classmethod
    def of(cls, request: JudgingRequest, clock: Clock) -> "Bench":
        """Nothing is contacted yet. Raises UsageError for an unknown rubric, a name that is none, or rivals too few or too many."""
        rubric = rubrics.load(request.rubric, request.folder)
        if (rubric.kind is Kind.PAIRWISE) != (request.rivals is not None):
            if request.rivals is None:
                raise UsageError(
                    f"The rubric {rubric.name} compares the answers of two runs.",
                    "Name the other one with --against.",
                )
            raise UsageError(
                f"The rubric {rubric.name} looks at one answer at a time.",
                "Leave --against out, or choose --rubric pairwise.",
            )
        judges = {name: open_judge(name, request.settings, clock) for name in request.judges}
        return cls(judges=judges, way=Way(request=request, rubric=rubric), clock=clock)

    def decide(self, grades: Sequence[Grade], progress: Progress) -> Decided:
        return decide(grades, self.judges, self.way, self.clock, progress)

    def entry(self, decided: Decided) -> Judging:
        return Judging(
            rubric=self.way.rubric.name,
            rubric_sha256=self.way.rubric.sha256,
            judges=[heard.identity for heard in decided.heard if heard.identity is not None],
            pool=self.way.request.pool.value,
            verdicts_sha256=decided.verdicts_sha256(),
        )
