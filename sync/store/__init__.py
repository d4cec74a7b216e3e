"""Content: trees become chunks, packs and snapshots, and come back verified.

One implementation for both directions. ``docs/protocol.md`` describes the bytes. Start with ``nouns``, then
``pack`` (the file format), ``writer`` (tree to snapshot), ``reader`` and ``materialise`` (snapshot to tree).
"""
