"""Tells, once, what stays behind in a mailbox that the settings do not name any more."""

from ..project import Project
from ..state import opened
from .options import Call


def tell_of_move(call: Call, project: Project) -> None:
    """For the commands that deal with a project's mailbox: the first that sees another URL than before says what is left
    at the former one."""
    url = project.config.remote.url
    if url is None:
        return
    from ..moved import UsedMailbox, left_behind

    with opened(project, call.console.warn) as state:
        used = UsedMailbox(state)
        before = used.url()
        if before == url:
            return
        if before is not None and (text := left_behind(project, state, before, call.clock)):
            call.console.warn(text)
        used.note(url)
