"""What a person is notified of: each thing once, several at a time as one, and only a few an hour.

``decide`` is pure. It looks at the events of the last hours each time, so that what may not be shown yet is shown later,
together. What was told is kept in ``.hybrid/state.db``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...console import visible
from ...state import State
from .events import DONE, FAILED, GRADED, Event
from .journal import Entry
from .status import Need, Status

NEWS_S = 12 * 3600.0
"""Seconds after which an event is old: nobody is notified of it any more."""
MOST_AN_HOUR = 4
MOST_WITH_NEEDS = 6
"""Notices an hour, and where a person has to act."""
APART_S = 60.0
GONE_S = 600.0
"""Seconds for which a need has to be over before it is told again."""
NEAR = (0.8, 1.0)
"""Parts of a budget that are told when they are spent."""
_KEPT_S = 60 * 86_400.0
_NAMED = 3
_SHOWN = 5
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Notice:
    """``text`` is plain, a sentence a line."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was told when, by key; ``shown`` is when a notice was; ``gone`` since when what was told of is over.

    ``first``: nothing was ever told here, so that all events are old news.
    """

    keys: Mapping[str, float]
    shown: Sequence[float] = ()
    gone: Mapping[str, float] | None = None
    first: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """``notice`` to show now, if any; ``told`` with it; ``again_s``: seconds until what is held back may be shown."""

    notice: Notice | None
    told: Told
    again_s: float | None


@dataclass(frozen=True, kw_only=True)
class _News:
    key: str
    group: str
    line: str
    how: str = ""
    name: str = ""


def decide(
    entries: Sequence[Entry],
    needs: Sequence[Need],
    status: Status | None,
    told: Told,
    now: float,
    *,
    project: str,
    unpublished_hours: float,
    budgets: Mapping[str, float] | None = None,
) -> Decision:
    """``entries`` are what the journal holds since ``now - NEWS_S``; ``now`` is wall clock; ``project`` its folder's name.

    ``budgets``, by currency, are compared with what the status says was spent.
    """
    told = _refreshed(told, needs, now)
    events = [_of_event(each.event) for each in entries if now - NEWS_S <= each.at]
    if told.first:
        keys = {**told.keys, **{each.key: now for each in events if each is not None}}
        told = Told(keys=keys, shown=told.shown, gone=told.gone)
    found = [each for each in events if each is not None]
    found += [_News(key=f"need:{each.key}", group="need", line=each.what, how=each.how) for each in needs]
    found += _stale(status, now, unpublished_hours) + _money(status, budgets or {})
    fresh = list({each.key: each for each in found if each.key not in told.keys}.values())
    if not fresh:
        return Decision(notice=None, told=told, again_s=None)
    wait = _wait(told.shown, now, urgent=any(each.group == "need" for each in fresh))
    if wait > 0:
        return Decision(notice=None, told=told, again_s=wait)
    keys = {**told.keys, **{each.key: now for each in fresh}}
    return Decision(
        notice=_joined(fresh, project),
        told=Told(keys=keys, shown=(*told.shown, now), gone=told.gone),
        again_s=None,
    )


class ToldTable:
    """Where it is kept. Methods raise HybridError, as ``State`` does."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.prepare(
            "CREATE TABLE IF NOT EXISTS told (kind TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL,"
            " PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def load(self) -> Told:
        with self._state.reading() as connection:
            rows = connection.execute("SELECT kind, key, at FROM told").fetchall()
        parts: dict[str, dict[str, float]] = {"key": {}, "shown": {}, "gone": {}, "begun": {}}
        for kind, key, at in rows:
            parts.setdefault(kind, {})[key] = at
        return Told(
            keys=parts["key"],
            shown=sorted(parts["shown"].values()),
            gone=parts["gone"],
            first=not parts["begun"],
        )

    def save(self, told: Told) -> None:
        rows = [("begun", "", 0.0)]
        rows += [("key", key, at) for key, at in told.keys.items()]
        rows += [("shown", repr(at), at) for at in told.shown]
        rows += [("gone", key, at) for key, at in (told.gone or {}).items()]
        with self._state.writing() as connection:
            connection.execute("DELETE FROM told")
            connection.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", rows)


def _of_event(event: Event) -> _News | None:
    """None for what nobody is notified of: what a person did, and what needs nobody's eyes."""
    ungraded = event.kind == GRADED and bool(event.data.get("failed"))
    if event.data.get("hand") or not (ungraded or event.kind in (DONE, FAILED)):
        return None
    name = str(event.data.get("name") or event.run)
    # A run that waits for a person, goes on and waits again is told each time, as its text says how far it is.
    key = f"done:{event.run}" if event.kind == DONE else f"failed:{event.run}:{event.text}"
    group = DONE if event.kind == DONE else FAILED
    return _News(key=key, group=group, line=event.text, how=event.how, name=name)


def _stale(status: Status | None, now: float, hours: float) -> list[_News]:
    waiting = status.waiting if status else None
    if status is None or waiting is None or now - waiting.since < hours * 3600:
        return []
    seq = (status.published or {}).get("seq", 0)
    line = f"Nothing was published for {hours:g} hours although files have changed: {waiting.why}."
    return [_News(key=f"stale:{seq}", group="stale", line=line, how="hybrid agent status")]


def _money(status: Status | None, budgets: Mapping[str, float]) -> list[_News]:
    """The highest part that is passed, for each currency."""
    found = []
    for currency, spent in (status.spent if status else {}).items():
        limit = budgets.get(currency, 0.0)
        passed = [part for part in NEAR if limit > 0 and spent >= part * limit]
        if passed:
            line = f"{spent:,.2f} of {limit:,.2f} {currency} are spent."
            key = f"budget:{currency}:{limit:g}:{passed[-1]:g}"
            found.append(_News(key=key, group="budget", line=line, how="hybrid agent status"))
    return found


def _refreshed(told: Told, needs: Sequence[Need], now: float) -> Told:
    """Without what is long over: a need that comes back is told again. A clock that was set back stops nothing."""
    current = {f"need:{each.key}" for each in needs}
    needed = {key for key in told.keys if key.startswith("need:")}
    before = told.gone or {}
    gone = {key: min(before.get(key, now), now) for key in needed - current}
    over = {key for key, since in gone.items() if now - since >= GONE_S}
    keys = {
        key: min(at, now)
        for key, at in told.keys.items()
        if key not in over and (key in current or now - at < _KEPT_S)
    }
    return Told(
        keys=keys,
        shown=[at for at in told.shown if now - 3600 < at <= now],
        gone={key: since for key, since in gone.items() if key in keys},
        first=told.first,
    )


def _wait(shown: Sequence[float], now: float, *, urgent: bool) -> float:
    """Seconds until one more may be shown."""
    most = MOST_WITH_NEEDS if urgent else MOST_AN_HOUR
    apart = shown[-1] + APART_S - now if shown else 0.0
    return max(apart, shown[-most] + 3600 - now if len(shown) >= most else 0.0, 0.0)


def _joined(fresh: Sequence[_News], project: str) -> Notice:
    if len(fresh) == 1:
        [one] = fresh
        return Notice(title=f"hybrid: {_short(project)}", text=_lines([one.line, one.how]))
    # Who has to act comes first; the rest is a command away.
    lines = [f"{each.line} {each.how}".rstrip() for each in fresh if each.group == "need"]
    for group, words in ((FAILED, "runs have failed or wait for you"), (DONE, "runs are done")):
        some = [each for each in fresh if each.group == group]
        if len(some) > 1:
            names = ", ".join(each.name for each in some[:_NAMED])
            more = f" and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
            lines.append(f"{len(some)} {words}: {names}{more}.")
        else:
            lines += [f"{each.line} {each.how}".rstrip() for each in some]
    lines += [each.line for each in fresh if each.group not in ("need", DONE, FAILED)]
    return Notice(title=f"hybrid: {_short(project)}", text=_lines([*lines[:_SHOWN], "hybrid today"]))


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(_short(line) for line in lines if line)


def _short(text: str) -> str:
    """Names of runs come from the mailbox: no control characters, no line breaks, not endless."""
    text = visible(text.replace("\n", " "))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
