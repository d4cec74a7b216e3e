"""The agent: a process that keeps one project and its mailbox in step while nobody looks.

``loop.Daemon`` waits for a moment or a hint and lets its duties do what is due. What they decide is in pure functions
beside them; what they find is told by ``status``, which other processes read.
"""
