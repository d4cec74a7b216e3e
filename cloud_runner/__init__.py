"""What runs where the GPU is: takes runs from the mailbox, works through their shards, publishes results.

A runner's life: it looks for an open run that fits (``serve``), takes its lease and keeps it by ticks (``worker``),
lays out the snapshot and runs the set-up (``prepare``), runs one child process for each attempt (``session``,
``child``), and publishes outputs, logs, checkpoints and verdicts (``publish``, ``outlet``) until every shard is over;
in between it checks what others say is done (``closures``). It is one thread: long work is generators, and a beat
goes out between two steps. Kill it anywhere; the next one goes on.

Standard library only, Python 3.10 or newer; it travels as one zip file.
"""

PROJECT = "hybrid"
