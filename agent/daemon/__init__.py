"""The agent: a process that keeps one project and its mailbox in step while nobody looks.

Two sides go on side by side, each in a thread of its own (``loop``): ``publish`` looks at the tree and publishes what
changed, ``runs`` looks after runs. ``watch`` hears of changes, ``tell`` is what others see of all this. ``process`` starts and
ends it from outside.
"""
