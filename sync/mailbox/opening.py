"""Meeting a mailbox: making a new one, and recognising one that is there."""

from collections.abc import Callable

from sync.errors import CorruptMailbox, NewerMailbox
from sync.remotes.base import Remote

from . import layout, records
from .records import Format


def open_mailbox(remote: Remote, base: str) -> Format:
    """What the mailbox says it is. Raises NotFound where there is none, NewerMailbox, CorruptMailbox."""
    path = f"{base}/{layout.FORMAT}"
    try:
        return records.read(Format, remote, path)
    except CorruptMailbox as error:
        raise CorruptMailbox(
            f"{remote.url} holds no usable mailbox: {error}",
            "Look at that file; if the mailbox is lost, set [remote] url to another folder.",
        ) from error
    except NewerMailbox as error:
        raise NewerMailbox(
            f"The mailbox at {remote.url} was made by a newer hybrid: {error}",
            "Update hybrid on this machine; nothing was changed.",
        ) from error


def begin_mailbox(remote: Remote, base: str, new_id: Callable[[], str]) -> tuple[Format, Callable[[], bool]]:
    """Makes the folders of a new mailbox, so that content can go there, and says what finishes it.

    It must be finished before anything is published. That returns False where another laptop was quicker, whose mailbox
    it is then.
    """
    remote.make_folders([f"{base}/{folder}" for folder in layout.project_folders()])
    made = Format(mailbox=new_id())

    return made, lambda: remote.write(f"{base}/{layout.FORMAT}", records.encode(made))
