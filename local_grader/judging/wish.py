"""What a user may ask of judges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..judges.settings import JudgeSettings
from .panel import Pool


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgingRequest:
    """``judges`` are models as ``open_judge`` takes them; ``rubric`` is a shipped one's name, or a file, relative to ``folder``.

    ``rivals`` is the run or the file with the answers that these are compared with, for a rubric that does. The others
    are as in ``judging.deciding.Way``. Where ``wait_s`` is infinite, what is under way comes back, and the rest is left
    for another sitting (judge.NotNow).
    """

    judges: Sequence[str]
    rubric: str
    folder: Path
    journal: Path
    settings: JudgeSettings = field(default_factory=JudgeSettings)
    pool: Pool = Pool.VETO
    slots: int | None = None
    fresh: bool = False
    rivals: str | None = None
    may_pull: Callable[[str], bool] = lambda _model: False
    wait_s: Callable[[], float] = lambda: 0.0
