"""What a user may ask of judges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..judges.settings import JudgeSettings
from .panel import Pool
from .retries import Retries


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgingRequest:
    """``judges`` are models as ``open_judge`` takes them; ``rubric`` is a shipped one's name, or a file, relative to ``folder``.

    ``journal`` is the file with what judges replied; ``fresh`` asks again what it holds. ``slots`` is None where the server's
    are to be found out. ``rivals`` is the run or the file with the answers that these are compared with, for a rubric that
    does. ``may_pull`` is asked whether a model that is not there shall be fetched; ``tell`` gets sentences on a server that is
    waited for.

    ``may_ask`` is asked before each judge is turned to, and all the while that one is asked, by the thread that hands
    out the prompts. While it says no, none is sent; when what was under way has come back, the rest is left for another
    sitting (judge.NotNow), since a model that waits takes memory.
    """

    judges: Sequence[str]
    rubric: str
    folder: Path
    journal: Path
    settings: JudgeSettings = field(default_factory=JudgeSettings)
    pool: Pool = Pool.VETO
    slots: int | None = None
    retries: Retries = field(default_factory=Retries)
    fresh: bool = False
    rivals: str | None = None
    may_pull: Callable[[str], bool] = lambda _model: False
    may_ask: Callable[[], bool] = lambda: True
    tell: Callable[[str], None] = lambda _sentence: None
