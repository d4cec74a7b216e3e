"""Moves immutable files between a laptop and a GPU machine through one folder, the mailbox.

``store`` turns a tree into chunks, packs and snapshots and back; ``mailbox`` names and orders the files;
``remotes`` are the places where a mailbox can live; ``local`` knows the laptop's side of the project tree.
"""

PROJECT = "hybrid"
