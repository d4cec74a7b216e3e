"""``[grade]`` of ``hybrid.toml``: how answers are graded where nobody says otherwise."""

# ruff: noqa: RUF009  (setting() makes a dataclass field, no value that instances would share)

from dataclasses import dataclass
from pathlib import Path

from local_grader.judging.panel import Pool

from .config_schema import COUNT, FLAG, NATURAL, NUMBER, PATH, PATTERN, TEXT, TEXTS, Kind, setting
from .when import FORM, When


def _pool(value: object, _: Path) -> str:
    if value not in POOLS:
        raise ValueError
    return str(value)


def _when(value: object, _: Path) -> When:
    if not isinstance(value, str):
        raise ValueError
    return When.parse(value)


POOLS = tuple(pool.value for pool in Pool)
POOL = Kind(" or ".join(f'"{pool}"' for pool in POOLS), _pool)
WHEN = Kind(FORM, _when)


@dataclass(frozen=True, kw_only=True)
class GradeSettings:
    """``judge`` names models, none for grading by rule alone; the settings behind it are about them."""

    scorer: str | None = setting(TEXT)
    references: Path | None = setting(PATH)
    files: tuple[str, ...] = setting(TEXTS, ())
    id_field: str | None = setting(TEXT)
    answer_field: str | None = setting(TEXT)
    reference_field: str | None = setting(TEXT)
    group_field: str | None = setting(TEXT)
    pattern: str | None = setting(PATTERN)
    tolerance: float | None = setting(NUMBER)
    allow_code: bool = setting(FLAG, False)
    judge: tuple[str, ...] = setting(TEXTS, ())
    rubric: str = setting(TEXT, "correct")
    pool: str = setting(POOL, "veto")
    endpoint: str | None = setting(TEXT)
    slots: int | None = setting(COUNT)
    context: int = setting(COUNT, 4096)
    reply_tokens: int = setting(COUNT, 400)
    seed: int = setting(NATURAL, 0)
    when: When | None = setting(WHEN)
    keep_awake: bool = setting(FLAG, False)

    @property
    def is_wanted(self) -> bool:
        """Whether runs are to be graded without anybody asking for it."""
        return self.scorer is not None or bool(self.judge)
