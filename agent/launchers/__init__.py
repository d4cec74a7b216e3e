"""The machines that a runner can be started on: a table, each kind imported on use."""

from sync.errors import UsageError

from ..project import Project
from .base import Launcher


def launcher(target: str, project: Project) -> Launcher:
    """The launcher for ``target`` (``local`` or ``ssh:HOST``). Raises UsageError where it cannot serve this mailbox."""
    check(target)
    kind, _, name = target.partition(":")
    if kind == "local":
        from .local import launcher as local

        return local(_folder_here(project))
    from .ssh import launcher as ssh

    return ssh(name, project.config)


def check(target: str) -> None:
    """Raises UsageError where ``target`` is none that hybrid knows."""
    kind, colon, name = target.partition(":")
    if (kind, colon) != ("local", "") and (kind != "ssh" or not name):
        raise UsageError(f"{target!r} is no target that hybrid knows.", "Write `local` or `ssh:HOST`.")


def default_target(project: Project) -> str:
    """Where a run goes when nothing says it: the machine that the mailbox is on. Raises UsageError without one."""
    if project.config.run.on:
        return project.config.run.on[0]
    url = project.remote_url
    if url.startswith("folder:"):
        return "local"
    if url.startswith("sftp:"):
        from urllib.parse import urlsplit

        return f"ssh:{urlsplit(url).netloc.rpartition('@')[2]}"
    raise UsageError(
        f"Nothing says where to run: {url} is on no machine that runs commands.", "Say it with --on."
    )


def _folder_here(project: Project) -> str:
    url = project.remote_url
    if not url.startswith("folder:"):
        raise UsageError(
            f"A runner on this machine needs a mailbox that is a folder here, and the project's is {url}.",
            "Run it where the mailbox is (--on ssh:HOST), or set [remote] url to a folder.",
        )
    from sync.clock import SystemClock
    from sync.remotes import open_remote

    folder = open_remote(url, clock=SystemClock(), base_dir=project.root).capabilities.local_path
    assert folder is not None, "a folder: remote knows its folder"
    return folder
