"""The protocol: which files the two sides exchange, who writes each, and what a reader may conclude.

``layout`` spells every name, ``records`` every JSON file, ``view`` reads a run's folder, ``lease`` and ``state``
decide. No other file knows a path of the mailbox. ``docs/protocol.md`` is the same for people.
"""

PROTOCOL = 1
"""Version of the mailbox. A breaking change is a new root; unknown fields and kinds of files are ignored."""
