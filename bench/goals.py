"""The cases, as data: what is done in each, what hybrid must not exceed there, and what it aims for."""

from collections.abc import Callable
from dataclasses import dataclass, replace

HYBRID = "hybrid"
RSYNC = "rsync -az"
RCLONE = "rclone"
UNISON = "unison"
RESTIC = "restic"
TAR = "tar, zstd, ssh"
GIT_STATUS = "git status"
SSH_TRUE = "ssh true"
SSH = "ssh"
LIMITS = (TAR, GIT_STATUS, SSH_TRUE)
"""What does less than any program that moves a project, and so marks what can be reached."""

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """small, many  numbers of files, of ``small_bytes`` and ``many_bytes`` each; ``big_mib``: of one big file"""

    small: int = 10_000
    small_bytes: int = 4_000
    many: int = 100_000
    many_bytes: int = 1_000
    big_mib: int = 1024

    def scaled(self, by: float) -> "Sizes":
        return replace(
            self,
            small=max(3, round(self.small * by)),
            many=max(5, round(self.many * by)),
            big_mib=max(2, round(self.big_mib * by)),
        )


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One measurement.

    up, down  bytes on the wire, to the server and from it
    peak      bytes of memory
    content   bytes of the content that is the matter: 0 where the case is about none
    """

    seconds: float
    up: int = 0
    down: int = 0
    peak: int = 0
    content: int = 0


@dataclass(frozen=True)
class Measure:
    name: str
    of: Callable[[Sample], float]
    unit: str


TIME = Measure("time", lambda one: one.seconds, "s")
SENT = Measure("bytes sent", lambda one: one.up, "bytes")
BESIDE = Measure("bytes sent beside the content", lambda one: one.up - one.content, "bytes")
SENT_SHARE = Measure("share of its bytes sent again", lambda one: one.up / one.content, "%")
GOT_SHARE = Measure("share of its bytes received", lambda one: one.down / one.content, "%")
MEMORY = Measure("peak memory", lambda one: one.peak, "bytes")


@dataclass(frozen=True)
class Goal:
    """At most ``most`` of the measure's unit, or ``most`` times what ``beside`` needs."""

    most: float
    beside: str = ""


@dataclass(frozen=True)
class Row:
    measure: Measure
    target: Goal
    aim: Goal | None = None


@dataclass(frozen=True)
class Case:
    """``title`` is filled from the sizes. Cases of one ``group`` follow each other on one tree."""

    name: str
    group: str
    title: str
    rows: tuple[Row, ...] = ()


CASES = (
    Case("help", "start", "`hybrid --help`", (Row(TIME, Goal(0.3)),)),
    Case("status", "start", "`hybrid status`", (Row(TIME, Goal(0.3)),)),
    Case(SSH, "start", "a command on the server that does nothing"),
    Case(
        "cold-small",
        "small",
        "first push, {small:,} files of {small_bytes:,} bytes",
        (Row(TIME, Goal(1.0, RSYNC), Goal(1.1, TAR)),),
    ),
    Case(
        "cold-many",
        "many",
        "first push, {many:,} files of {many_bytes:,} bytes",
        (Row(TIME, Goal(0.9, RSYNC), Goal(0.7, RSYNC)),),
    ),
    Case(
        "noop",
        "many",
        "push, nothing changed in {many:,} files",
        (Row(TIME, Goal(0.2, RSYNC), Goal(4.0, GIT_STATUS)),),
    ),
    Case(
        "edit",
        "many",
        "push, one of {many:,} files edited",
        (Row(TIME, Goal(0.35, RSYNC), Goal(0.2, RSYNC)), Row(BESIDE, Goal(64_000))),
    ),
    Case(
        "memory-many",
        "many",
        "push of {many:,} files",
        (Row(MEMORY, Goal(300e6)),),
    ),
    Case(
        "head",
        "big",
        "push, one byte more at the head of {big_mib:,} MiB",
        (Row(TIME, Goal(0.6, RSYNC), Goal(0.4, RSYNC)), Row(SENT, Goal(3 * _MIB))),
    ),
    Case(
        "rename",
        "big",
        "push, a folder of {big_mib:,} MiB renamed",
        (Row(BESIDE, Goal(64_000)),),
    ),
    Case("memory-big", "big", "push of {big_mib:,} MiB", (Row(MEMORY, Goal(300e6)),)),
    Case(
        "killed",
        "killed",
        "push of {big_mib:,} MiB, killed at 60 %, and again",
        (Row(SENT_SHARE, Goal(0.45), Goal(0.41)),),
    ),
    Case(
        "pull-small",
        "pull-small",
        "pull of {small:,} outputs of {small_bytes:,} bytes",
        (Row(TIME, Goal(1.0, RSYNC), Goal(0.8, RSYNC)),),
    ),
    Case(
        "pull-changed",
        "pull-changed",
        "pull of an output of {big_mib:,} MiB, a tenth changed since the last pull",
        (Row(GOT_SHARE, Goal(0.12)),),
    ),
)
