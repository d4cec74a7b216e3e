"""``hybrid gc``: removes old states of the project from the mailbox."""

import click

from sync.gc import Collected

from ..collecting import collect
from ..mailbox import opened
from ..pushing import open_index
from ..sizes import count, size
from ..state import opened as opened_state
from .options import Call, common_options


@click.command()
@click.option("--dry-run", is_flag=True, help="Tell what would go, and remove nothing.")
@common_options
def gc(call: Call, dry_run: bool) -> None:
    """Remove what nothing needs any more from the mailbox.

    States of the project that this laptop pushed go, but for the newest ones and one a day, as [keep] in hybrid.toml
    says, and those that runs still need. Runs stay: remove them with hybrid rm. What other laptops pushed is theirs.
    What killed programs have left half written goes, too, once it was seen to lie there for a day.

    \b
    Examples:
      hybrid gc --dry-run
      hybrid gc
    """
    project = call.project()
    with (
        opened(project, call.clock) as mailbox,
        opened_state(project, call.console.warn) as state,
        project.lock("push"),
    ):
        mailbox.require()
        index, message = open_index(project)
        with index:
            if message:
                call.console.warn(message)
            collected = collect(mailbox, state, index, call.console.progress(), dry_run=dry_run)
    _show(call, collected, dry_run)


def _show(call: Call, collected: Collected, dry_run: bool) -> None:
    snapshots = sum(name.endswith(".snap") for name in collected.removed)
    packs = len(collected.removed) - snapshots
    document = {
        "dry_run": dry_run,
        "kept_snapshots": collected.kept_snapshots,
        "kept_packs": collected.kept_packs,
        "kept_bytes": collected.kept_bytes,
        "removed_snapshots": snapshots,
        "removed_packs": packs,
        "removed_bytes": collected.bytes,
        "removed": collected.removed,
        "leftovers": [each.path for each in collected.leftovers],
        "leftover_bytes": sum(each.bytes for each in collected.leftovers),
        "unfinished": len(collected.unfinished),
    }
    verb = "Would remove" if dry_run else "Removed"
    gone = f"{verb} {count(snapshots, 'snapshot')} and {count(packs, 'pack')} ({size(collected.bytes)})"
    kept = f"kept {count(collected.kept_snapshots, 'snapshot')} of this laptop ({size(collected.kept_bytes)})"
    text = f"{gone if collected.removed else 'Nothing to remove'}; {kept}."
    if collected.leftovers:
        left = sum(each.bytes for each in collected.leftovers)
        text += f"\n{verb} {count(len(collected.leftovers), 'leftover')} of programs that were cut off ({size(left)})."
    call.console.result(document, text)
