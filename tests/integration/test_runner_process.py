"""The runner as a process on a mailbox in a folder: killed, asked to end, stopped, and left without work."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_runner import host
from sync.mailbox import lease, records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Mark, Tick
from tests.support.machines import DIR, Machine, machine_in, wait_for

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are POSIX"),
]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        yield machine


def test_shards_are_done_the_log_is_told_and_the_runner_ends_when_idle(machine: Machine) -> None:
    machine.queue(
        """
        print("begun", shard)
        time.sleep(0.5)
        print("ended", shard)
        answer()
        """,
        shards=3,
        parallel=3,
    )
    said = machine.run()
    assert machine.answers() == {0: "0 42", 1: "1 42", 2: "2 42"}
    assert said.rstrip().endswith("nothing left to do")
    assert lease.holder(machine.view()) is None
    told = []
    for worker, numbers in machine.view().ticks.items():
        for n in numbers:
            tick = records.read(Tick, machine.remote, machine.record(RunFolder.tick(worker, n)))
            told += [log[1] for log in tick.logs.values()]
    assert {f"begun {n}" for n in range(3)} <= set("".join(told).split("\n"))
    [done] = [a for a in machine.view().done if a.shard == 0]
    assert machine.content(machine.ended("done", done).snapshot)["hybrid.log"] == b"begun 0\nended 0\n"


def test_after_a_kill_the_next_runner_goes_on_at_once_and_the_orphan_is_ended(machine: Machine) -> None:
    machine.queue(
        """
        note(f"{os.getpid()}.pid", str(os.getpid()))
        if shard == "1" and not os.path.exists(os.environ["NOTES"] + "/killed"):
            note("hanging", str(os.getpid()))
            time.sleep(600)
        answer()
        """,
        shards=3,
    )
    first = machine.start()
    orphan = int(machine.note("hanging"))
    first.kill()
    first.wait()
    assert host.born(orphan), "nobody has told the child yet"
    (machine.notes / "killed").touch()
    began = time.monotonic()
    machine.run()
    assert time.monotonic() - began < lease.LEAST_SILENCE_S / 2, "it did not wait for silence"
    assert not host.born(orphan)
    assert machine.answers() == {0: "0 42", 1: "1 42", 2: "2 42"}
    assert len(machine.attempts()) == 4


def test_a_runner_that_is_asked_to_end_leaves_and_the_next_counts_on(machine: Machine) -> None:
    machine.queue(
        """
        asked = []
        signal.signal(signal.SIGTERM, lambda *a: asked.append(1))
        counter = ckpt / "counter"
        n = int(counter.read_text()) if counter.exists() else 0
        note(f"began-at-{n}", "yes")
        while n < 1000 and not asked:
            n = min(n + 1, 500) if not os.path.exists(os.environ["NOTES"] + "/go") else n + 100
            (ckpt / "new").write_text(str(n))
            (ckpt / "new").rename(counter)
            if n == 500:
                note("counted", "yes")
            time.sleep(0.001)
        if asked:
            sys.exit(1)
        answer(str(n))
        """
    )
    runner = machine.start()
    machine.note("counted")
    runner.send_signal(signal.SIGTERM)
    said, _ = runner.communicate(timeout=30)
    assert runner.returncode == 0, said
    seen = machine.view()
    [left] = seen.left
    assert machine.ended("left", left).reason == "told to end by signal SIGTERM"
    assert lease.holder(seen) is None and not seen.failed
    (machine.notes / "go").touch()
    machine.run()
    assert machine.answers() == {0: "0 1000"}
    assert (machine.notes / "began-at-500").exists()


def test_a_stop_ends_the_whole_group_within_the_grace(machine: Machine) -> None:
    machine.queue(
        """
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        grandchild = subprocess.Popen([sys.executable, "-c", deaf])
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (out / "half.txt").write_text("half")
        note("grandchild", str(grandchild.pid))
        note(f"{os.getpid()}.pid", str(os.getpid()))
        time.sleep(600)
        """,
        shards=2,
    )
    runner = machine.start("--grace", "0.5")
    grandchild = int(machine.note("grandchild"))
    machine.remote.write(machine.record(RunFolder.stop("laptop22")), records.encode(Mark()))
    said, _ = runner.communicate(timeout=30)
    assert runner.returncode == 0, said
    assert not host.born(grandchild)
    assert [attempt.shard for attempt in machine.attempts()] == [0]
    left = machine.ended("left", machine.attempts()[0])
    assert left.reason == "stopped by the laptop"
    assert machine.content(left.snapshot)["half.txt"] == b"half"


def test_outputs_appear_while_the_attempt_runs(machine: Machine) -> None:
    machine.queue(
        """
        (out / "early.txt").write_text("early")
        wait_for("seen")
        answer()
        """
    )
    runner = machine.start()

    def early() -> object:
        return [s for s in machine.view().snapshots if s.what == "out"]

    wait_for(early, "a partial snapshot")
    [partial] = [s for s in machine.view().snapshots if s.what == "out"]
    assert machine.content(DIR.in_folder(partial.name))["early.txt"] == b"early"
    assert not machine.view().done
    (machine.notes / "seen").touch()
    runner.communicate(timeout=30)
    assert machine.answers() == {0: "0 42"}


def test_a_runner_in_the_background_that_fails_at_once_is_told_with_its_last_line(machine: Machine) -> None:
    runner = machine.start("--detach", "--mailbox", "nowhere:else")
    handle = json.loads(runner.communicate(timeout=30)[0])
    assert handle["failed"] and "'nowhere:else'" in handle["last"]
    assert Path(handle["log"]).read_text().splitlines()[-1] == handle["last"]


def test_a_runner_in_the_background_can_be_probed_and_ended(machine: Machine) -> None:
    runner = machine.start("--detach", idle_exit=600)
    handle = json.loads(runner.communicate(timeout=30)[0])
    assert not handle["failed"]
    who = [str(handle["pid"]), handle["born"], "--log", handle["log"]]

    try:
        wait_for(lambda: "worker " in str(machine.ask("--probe", *who)["log"]), "the runner's greeting")
        assert machine.ask("--probe", *who)["alive"]
        machine.ask("--end", *who)
        wait_for(lambda: not machine.ask("--probe", *who)["alive"], "its end")
        assert "told to end by signal SIGTERM" in str(machine.ask("--probe", *who)["log"])
    finally:
        if host.born(handle["pid"]) == handle["born"]:
            os.kill(handle["pid"], signal.SIGKILL)
