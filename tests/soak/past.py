"""Whether what was published is what the tree really was.

The tree is looked at after each thing that is done to it. A snapshot is true where some moment had just this tree. What
changes while it is taken may be in it as it was before or after: such a mix is true, too, where every path is as it was
at some moment of one short stretch of time. And no path ever goes back: what a snapshot holds is no older than what the
one before it held.
"""

from bisect import bisect_left

from tests.support.trees import Fingerprint

Value = tuple[str, bool, bytes] | None

LONGEST_TAKE_S = 5.0
"""Seconds that are enough for looking at the tree and publishing it, on a machine that is busy."""


class Untrue(AssertionError):
    pass


class Past:
    """``mixed`` counts the snapshots that are no single moment's; ``longest_s`` is the longest stretch that one needed."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._values: dict[bytes, list[tuple[int, Value]]] = {}
        """Of each path, from which moment on it was what."""
        self._least: dict[bytes, int] = {}
        self.mixed = 0
        self.longest_s = 0.0

    def note(self, at: float, tree: Fingerprint) -> None:
        """The tree is so now, by a clock that only goes forward, in seconds. Empty folders are left out."""
        moment = len(self._times)
        self._times.append(at)
        now = without_folders(tree)
        for path in self._values.keys() | now.keys():
            known = self._values.setdefault(path, [(0, None)] if moment else [])
            value = now.get(path)
            if not known or known[-1][1] != value:
                known.append((moment, value))

    def check(self, name: str, tree: Fingerprint) -> None:
        """``tree`` was published under that name, after all that were checked before. Raises Untrue."""
        held = without_folders(tree)
        spans = {path: self._spans(path, held.get(path)) for path in self._values.keys() | held.keys()}
        for path, those in spans.items():
            later = [(first, last) for first, last in those if last >= self._least.get(path, 0)]
            if not later:
                why = "was never so" if not those else "is older than in the snapshot before"
                raise Untrue(f"{name}: {path!r} {why}: {held.get(path)}")
            spans[path] = later
            self._least[path] = max(self._least.get(path, 0), later[0][0])
        took_s, torn = min(self._stretch(spans, first) for first in range(len(self._times)))
        if torn:
            self.mixed += 1
            self.longest_s = max(self.longest_s, took_s)
        if took_s > LONGEST_TAKE_S:
            raise Untrue(f"{name} mixes what was {took_s:.1f} s apart: {torn}")

    def _spans(self, path: bytes, value: Value) -> list[tuple[int, int]]:
        """The moments, first and last, in which the path was so."""
        known = self._values.get(path, [(0, None)])
        ends = [begin - 1 for begin, _ in known[1:]] + [len(self._times) - 1]
        return [(begin, end) for (begin, what), end in zip(known, ends, strict=True) if what == value]

    def _stretch(self, spans: dict[bytes, list[tuple[int, int]]], first: int) -> tuple[float, list[bytes]]:
        """Seconds from the end of the moment ``first`` on in which each path is once as it has to be, and the paths that
        are not so at first."""
        until, torn = first, []
        for path, those in spans.items():
            at = bisect_left(those, first, key=lambda span: span[1])
            if at == len(those):
                return float("inf"), [path]
            if those[at][0] > first:
                torn.append(path)
                until = max(until, those[at][0])
        return (self._times[until] - self._times[first + 1] if torn else 0.0), torn


def without_folders(tree: Fingerprint) -> Fingerprint:
    return {path: what for path, what in tree.items() if what[0] != "dir"}
