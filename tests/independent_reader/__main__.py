"""Reads a mailbox of hybrid without hybrid: written from ``docs/protocol.md`` alone, and the proof that it is enough.

    python -m tests.independent_reader FOLDER                         what there is
    python -m tests.independent_reader FOLDER ls SNAPSHOT             what a snapshot holds
    python -m tests.independent_reader FOLDER restore SNAPSHOT INTO   a snapshot becomes the new folder INTO
    python -m tests.independent_reader FOLDER accepted RUN INTO [LAPTOP]   so do a run's accepted outputs

FOLDER is a directory that holds a mailbox, or a project's folder in one. Outputs of a run that has shards go into a
folder for each, numbered with three digits or as many as the last one needs. LAPTOP says whose word counts where
several laptops have accepted the run [the first by id].
"""

import os
import sys
from pathlib import Path

from .blocks import Refused, need
from .mailbox import Accepted, Project, projects
from .snapshots import Entry, Snapshot


def listing(project: Project) -> list[str]:
    """A line for each snapshot, run, accepted shard and checkpoint."""
    lines = [f"project {project.folder.name}"]
    for name in project.snapshots():
        lines.append(f"snapshot {name} {_summary(project, name)}")
    for run in project.runs():
        lines.append(f"run {run.name} shards {run.spec['shards']} of {run.spec['snapshot']}")
        for done in run.accepted:
            told = f"accepted {done.shard} by {done.laptop} attempt {done.attempt}"
            lines.append(f"  {told} {done.snapshot} {_summary(project, done.snapshot)}")
        for each in run.checkpoints():
            lines.append(f"  checkpoint {each.shard} attempt {each.attempt} {each.snapshot}")
    return lines


def _summary(project: Project, name: str) -> str:
    try:
        root = Snapshot(project.folder, name).root
    except (Refused, OSError) as error:
        return f"unusable ({error})"
    return f"{root['kind']} files {root['files']} bytes {root['bytes']} tree {root['tree']}"


def described(entry: Entry) -> str:
    """``f-`` and ``fx`` for files, ``d-``, ``l-``; the size; the path, with what is no printable ASCII escaped."""
    mark = entry.kind + ("x" if entry.executable else "-")
    target = f" -> {ascii(entry.target)[2:-1]}" if entry.target else ""
    return f"{mark} {entry.size:>12} {ascii(entry.path)[2:-1]}{target}"


def restore(snapshot: Snapshot, into: Path) -> None:
    """Into a folder that is not there yet, so that no link can lie in the way; links come last."""
    into.mkdir(parents=True)
    top = os.fsencode(into)
    for entry in sorted(snapshot.entries, key=lambda each: each.kind == "l"):
        path = os.path.join(top, entry.path)
        os.makedirs(path if entry.kind == "d" else os.path.dirname(path), exist_ok=True)
        if entry.kind == "f":
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
                file.writelines(snapshot.content(entry.references))
            if entry.executable:
                os.chmod(path, 0o755)
        elif entry.kind == "l":
            os.symlink(entry.target, path)


def restore_accepted(project: Project, name: str, into: Path, laptop: str = "") -> list[Accepted]:
    """What was accepted of the run; returns whose word was taken for each shard."""
    run = project.run(name)
    chosen: dict[int, Accepted] = {}
    for each in run.accepted:
        if each.shard < run.spec["shards"] and laptop in ("", each.laptop):
            chosen.setdefault(each.shard, each)
    need(chosen, f"nothing of {name} was accepted")
    digits = max(3, len(str(run.spec["shards"] - 1)))
    for shard, each in chosen.items():
        place = into / f"{shard:0{digits}}" if run.sharded else into
        restore(Snapshot(project.folder, each.snapshot), place)
    return list(chosen.values())


def main(words: list[str]) -> int:
    try:
        match words:
            case [folder]:
                for path in projects(Path(folder)):
                    print("\n".join(ascii(line)[1:-1] for line in listing(Project(path))))
            case [folder, "ls", name]:
                [path] = projects(Path(folder))
                print("\n".join(described(each) for each in Snapshot(path, name).entries))
            case [folder, "restore", name, into]:
                [path] = projects(Path(folder))
                restore(Snapshot(path, name), Path(into))
            case [folder, "accepted", name, into, *laptop] if len(laptop) < 2:
                [path] = projects(Path(folder))
                restore_accepted(Project(path), name, Path(into), *laptop)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (Refused, OSError) as error:
        print(f"refused: {str(error)!a}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
