"""JSON of the mailbox that is large by right: an index, an entry of a large file.

A few bytes of JSON can become twenty times as many in memory, and a few compressed ones a thousand times as many
bytes of JSON. So the values are counted before they are made.
"""

import json
from typing import Any

MOST_VALUES = 4_000_000
"""Of one document: twice of what the largest honest one has, and some 400 MB in memory at worst."""


def loads(data: bytes) -> Any:
    """The document. Raises ValueError where it is none, RecursionError where it is nested too deeply."""
    # Each value but the first takes a comma, a colon, or a bracket; those in strings may count, too.
    if len(data) > MOST_VALUES and sum(map(data.count, (b",", b":", b"[", b"{"))) > MOST_VALUES:
        raise ValueError("too many values")
    return json.loads(data.decode())
