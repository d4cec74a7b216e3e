"""``[auto]`` and ``[agent]`` of ``hybrid.toml``: what the agent does while nobody looks."""

from collections.abc import Iterable
from dataclasses import dataclass

from .config_schema import FLAG, GIT_PATTERNS, POSITIVE, TEXTS, Reader, setting


@dataclass(frozen=True, kw_only=True)
class AutoSettings:
    """``run`` are names of ``[run.NAME]``; ``on`` patterns as in ``.gitignore``, none for every file."""

    run: tuple[str, ...] = setting(TEXTS, ())
    on: tuple[str, ...] = setting(GIT_PATTERNS, ())
    start: bool = setting(FLAG, True)
    pull: bool = setting(FLAG, True)
    grade: bool = setting(FLAG, True)


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """``unpublished_hours``: a person is told where changes have waited for so long."""

    unpublished_hours: float = setting(POSITIVE, 4.0)


def check_auto(auto: AutoSettings, runs: Iterable[str], reader: Reader) -> None:
    """Complains of what ``[auto] run`` names and is not there."""
    known = ", ".join(runs) or "none"
    for name in auto.run:
        if name not in runs:
            reader.complain(
                ("auto", "run"), f"names {name!r}, and there is no [run.{name}]; hybrid.toml has: {known}"
            )
