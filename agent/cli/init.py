"""``hybrid init``: makes the current folder a project by writing its ``hybrid.toml``."""

import contextlib
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import click

from sync.errors import UsageError
from sync.local.load_rules import place_inside
from sync.mailbox.layout import ID_ALPHABET
from sync.remotes import open_remote

from .. import config, places
from ..project import STATE_FOLDER, enclosing
from .options import Call, common_options, current_folder

_TEMPLATE = """\
# What hybrid knows about this project. All that can stand here: docs/config.md of hybrid.

[project]
# Names this project in the mailbox. Everyone who works on it keeps the same.
id = {id}
# Where results arrive.
outputs = "outputs"

[remote]
# The mailbox: a folder that this machine and the one with the GPU both reach.
url = {url}

# Datasets are usually ignored by git. Name those that a run needs:
# [push]
# include = ["data/plates"]

# A run that "hybrid run train" starts. The set-up runs once on the machine with the GPU, in the project's folder there;
# what it makes stays until this line, or a file that it names, changes. The machine's own torch stays in use.
# [run.train]
# setup = "python3 -m venv --system-site-packages .venv && .venv/bin/pip install -q -r requirements.txt"
# command = ".venv/bin/python train.py"
"""


@click.command()
@click.option("--remote", metavar="URL", help="The mailbox, say folder:/mnt/shared or sftp://user@host/path.")
@click.option("--name", help="What to call the project. [default: the folder's name]")
@common_options
def init(call: Call, remote: str | None, name: str | None) -> None:
    """Make this folder a project.

    Writes hybrid.toml, and lets git ignore what hybrid keeps and pulls. In a folder that is a project already it
    changes nothing. Without --remote the mailbox is a folder of your own on this machine: enough to try hybrid here.

    \b
    Examples:
      hybrid init
      hybrid init --remote folder:/mnt/shared/mailbox
      hybrid init --remote sftp://me@pod.example:22/workspace/mailbox --name plates
    """
    root = current_folder()
    path = root / config.FILE_NAME
    if path.exists():
        _keep(call, path, remote)
        return
    outer = enclosing(root.parent)
    if outer is not None:
        call.console.warn(f"This folder lies inside another project, {outer}.")
    url = remote if remote is not None else f"folder:{(places.data_folder() / 'mailbox').as_posix()}"
    _refuse_inside(call, root, url)
    project = project_id(name or root.name)
    text = _TEMPLATE.format(id=json.dumps(project), url=json.dumps(url))
    config.parse(text, path)
    _write_new(path, text)
    ignored = _ignore_in_git(root)
    if ignored:
        call.console.say(f"Added {' and '.join(ignored)} to .gitignore.")
    if remote is None:
        call.console.say(
            "The mailbox is a folder on this machine. For a machine with a GPU, write one under [remote] that both reach."
        )
    call.console.result(
        {"created": True, "path": str(path), "project": project, "remote": url, "ignored": ignored},
        f"This is now the project {project}, with its mailbox at {url}.",
    )
    call.console.next_step("hybrid push" if remote is None else "hybrid doctor")


def project_id(name: str, choose: Callable[[str], str] = secrets.choice) -> str:
    """``name`` as far as an id can hold it, and four characters that tell it from others of that name."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "project"
    return f"{slug}-{''.join(choose(ID_ALPHABET) for _ in range(4))}"


def _refuse_inside(call: Call, root: Path, url: str) -> None:
    """Raises UsageError where the mailbox would lie in the project that is sent there, and where there can be none."""
    remote = open_remote(url, clock=call.clock, base_dir=root)
    folder = remote.capabilities.local_path
    remote.close()
    if folder is not None and place_inside(root, folder) is not None:
        raise UsageError(
            f"The mailbox {url} would lie inside the project {root}.",
            "Name a folder outside it, such as folder:../mailbox.",
        )


def _keep(call: Call, path: Path, remote: str | None) -> None:
    """What ``init`` does in a project: nothing, unless it was asked for another mailbox."""
    found = config.load(path)
    if remote is not None and remote != found.remote.url:
        raise UsageError(
            f"{path} is there already, with the mailbox {found.remote.url}.",
            f"Change url under [remote] to {json.dumps(remote)} if that is meant.",
        )
    document = {"created": False, "path": str(path), "project": found.project.id, "remote": found.remote.url}
    call.console.result(
        {**document, "ignored": []},
        f"This is the project {found.project.id} already, with its mailbox at {found.remote.url}; nothing changed.",
    )


def _write_new(path: Path, text: str) -> None:
    with open(path, "x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            raise


def _ignore_in_git(root: Path) -> list[str]:
    """Adds what git should not take to ``.gitignore``, where git is at work; returns the lines added."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return []
    path = root / ".gitignore"
    old = path.read_bytes() if path.exists() else b""
    there = {line.strip().strip(b"/") for line in old.splitlines()}
    added = [f"{name}/" for name in (STATE_FOLDER, "outputs") if name.encode() not in there]
    if added:
        end = b"\r\n" if b"\r\n" in old else b"\n"
        gap = end if old and not old.endswith(b"\n") else b""
        with open(path, "ab") as file:
            file.write(gap + b"".join(line.encode() + end for line in added))
    return added
