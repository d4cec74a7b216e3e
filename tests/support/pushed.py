"""What a push has done: to the mailbox, and to whoever called it."""

from pathlib import Path

from sync.store.materialise import materialise, to_end
from sync.store.reader import Reader

from .projects import BASE, Project
from .trees import Fingerprint, fingerprint


def fails(project: Project, code: int, *words: str) -> str:
    """What a push that ends with ``code`` says: one sentence, and one thing to do."""
    found, out, err = project.call("push", *words)
    assert (found, out) == (code, ""), err
    told = [line for line in err.splitlines() if not line.startswith("Warning: ")]
    assert [line.partition(": ")[0] for line in told] == ["Error", "Try"], err
    return err


def content(project: Project) -> dict[str, bytes]:
    """Every file of the mailbox."""
    return {str(path): path.read_bytes() for path in project.mail.rglob("*") if path.is_file()}


def mailbox_tree(project: Project, snapshot: str, target: Path) -> Fingerprint:
    reader = Reader(project.remote, BASE)
    entries = reader.entries(reader.root(snapshot))
    to_end(materialise(reader, entries, target, mirror=True))
    return fingerprint(target)


def own_tree(project: Project) -> Fingerprint:
    return {path: what for path, what in fingerprint(project.root).items() if not path.startswith(b".hybrid")}
