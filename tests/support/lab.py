"""A mailbox in memory with one run, a clock, and workers of the real runner, whose children are scripted, on it."""

from collections.abc import Callable
from pathlib import Path

from cloud_runner.child import Command
from cloud_runner.device import Device
from cloud_runner.serve import Runner
from sync.clock import ManualClock
from sync.mailbox import records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Ended, Mark
from sync.mailbox.view import RunView, look
from sync.remotes.base import Capabilities
from sync.remotes.faults import FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store.reader import Reader
from tests.support import mailboxes, scripted
from tests.support.scripted import Script, ScriptedChild

BASE = "lab"
RUN = "r-1"
DIR = RunFolder(RUN)


class Lab:
    """A mailbox in memory, a clock, and workers that are made on it."""

    def __init__(self, folder: Path, capabilities: Capabilities | None = None) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.laptop = MemoryRemote(MemoryStore(capabilities=capabilities))
        self.said: list[str] = []
        self.told = ""
        self.commands: list[Command] = []
        mailboxes.make_mailbox(self.laptop, BASE)
        self.tree = mailboxes.publish_tree(
            self.laptop, BASE, {"main.py": b"print()\n", "in.jsonl": b'{"n": 0}\n\n{"n": 1}\n{"n": 2}\n'}
        )

    def queue(self, **fields: object) -> None:
        values: dict[str, object] = {"command": ["python", "main.py"], **fields}
        mailboxes.queue_run(self.laptop, BASE, RUN, self.tree.name, **values)

    def worker(
        self,
        script: Script,
        name: str = "worker22",
        *,
        plan: FaultPlan | None = None,
        devices: list[Device] | None = None,
    ) -> Runner:
        def start(command: Command) -> ScriptedChild:
            self.commands.append(command)
            return script(command)

        remote = MemoryRemote(self.laptop.store, plan=plan)
        place = scripted.place(
            remote,
            self.clock,
            self.folder / name,
            start,
            say=self.said.append,
            ending=lambda: self.told,
            devices=devices,
        )
        return scripted.runner(place, scripted.hello(name))

    def run(self, runner: Runner) -> None:
        scripted.work_to_the_end(runner, self.clock)

    def step_until(self, runner: Runner, reached: Callable[[], bool]) -> None:
        """Then the worker is dropped, as a killed process would be."""
        steps = runner.serve()
        for wait in steps:
            self.clock.advance(max(wait, 0.001))
            if reached():
                steps.close()
                return
        raise AssertionError("the worker ended before that")

    def view(self) -> RunView:
        return look(self.laptop, BASE, DIR)

    def ended(self, kind: str, attempt: Attempt) -> Ended:
        name = DIR.in_folder(RunFolder.attempt(kind, attempt))
        return records.read(Ended, self.laptop, f"{BASE}/{name}")

    def content(self, snapshot: str) -> dict[bytes, bytes]:
        reader = Reader(self.laptop, BASE)
        files = {}
        for entry in reader.entries(reader.root(snapshot)):
            pieces = {chunk.sha256: data for chunk, data in reader.fetch(entry.chunks)}
            files[entry.path] = b"".join(pieces[chunk.sha256] for chunk in entry.chunks)
        return files

    def mark(self, name: str) -> None:
        self.laptop.write(f"{BASE}/{DIR.in_folder(name)}", records.encode(Mark(reason="so told")))


def writes(content: bytes = b"42\n", *, polls: int = 3, code: int = 0) -> Script:
    def script(command: Command) -> ScriptedChild:
        shard = command.env["HYBRID_SHARD"].encode()
        return ScriptedChild(command, polls, {"answer.txt": shard + b" " + content}, code)

    return script
