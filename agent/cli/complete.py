"""What a shell offers in place of RUN: the runs in a mailbox that is a folder of this machine.

Asking any other mailbox would let a key press wait for a network.
"""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from sync.clock import SystemClock
from sync.errors import HybridError


def run_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ..mailbox import opened
    from ..project import Project

    try:
        project = Project.find(Path.cwd())
        if not project.remote_url.startswith("folder:"):
            return []
        with opened(project, SystemClock()) as mailbox:
            found = mailbox.run_ids()
    except (HybridError, OSError):
        return []  # a shell shows no errors here
    return [CompletionItem(each) for each in reversed(found) if each.startswith(incomplete)]
