"""How many things a pull does at a time."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from ..store.lanes import Lanes

_CALLS = 16
_TELLERS = 8
_READS = 4
_WRITERS = 2


class PullLanes(NamedTuple):
    """calls    of the remote that are small and spend their time waiting
    tellers  of what the others are told, which wait for more than an answer
    reads    of content: few, so that what was asked for first comes first
    writers  of files, of which a disk makes several as fast as one
    """

    calls: Lanes
    tellers: Lanes
    reads: Lanes
    writers: Lanes


@contextlib.contextmanager
def pull_lanes(connections: int) -> Iterator[PullLanes]:
    """Those for a remote that has so many ``connections``; where it has one, everything is done in turn."""
    counts = (min(_CALLS, 4 * connections), _TELLERS, min(_READS, connections), _WRITERS)
    with contextlib.ExitStack() as stack:
        yield PullLanes(*(stack.enter_context(Lanes(1 if connections == 1 else count)) for count in counts))
