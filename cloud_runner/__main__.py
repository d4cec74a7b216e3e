"""``python3 -I runner.pyz --mailbox folder:/path --project ID --target local``: started by a launcher or by hand."""

import argparse
import math
import os
import secrets
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from sync.clock import Clock, SystemClock
from sync.errors import HybridError
from sync.mailbox.layout import ID_ALPHABET
from sync.mailbox.records import Hello
from sync.remotes import open_remote
from sync.store import codec

from . import child, detached, device, host
from .present import Present
from .serve import Runner
from .worker import Place


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 nothing left to do or told to end, 1 failed, 2 usage."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.probe or options.end:
        pid, born = options.probe or options.end
        act = detached.probe if options.probe else detached.end
        detached.show(act(int(pid), born, options.log))
        return 0
    work = Path(options.work or _default_work()).absolute()
    if not (options.mailbox and options.project and options.target):
        parser.error("--mailbox, --project and --target are needed")
    if options.detach:
        given = [word for word in (sys.argv[1:] if argv is None else argv) if word != "--detach"]
        detached.show(detached.start(given, work, options.project, SystemClock()))
        return 0
    asked: list[str] = []

    def end(number: int, frame: FrameType | None) -> None:
        asked.append(f"told to end by signal {signal.Signals(number).name}")

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    clock = SystemClock()
    try:
        run(options, work, clock, lambda: asked[0] if asked else "")
    except HybridError as error:
        say(f"{error} {error.hint}".rstrip())
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def run(options: argparse.Namespace, work: Path, clock: Clock, ending: Callable[[], str]) -> None:
    devices = device.devices(os.environ.get("CUDA_VISIBLE_DEVICES"))
    remote = Present(open_remote(options.mailbox, clock=clock, base_dir=os.getcwd()), options.project)
    worker = "".join(secrets.choice(ID_ALPHABET) for _ in range(12))
    place = Place(
        remote=remote,
        base=options.project,
        project=options.project,
        clock=clock,
        work=work,
        devices=devices,
        start=child.start,
        say=say,
        ending=ending,
        tick_s=min(options.tick or math.inf, remote.capabilities.tick_s),
        grace_s=options.grace,
    )
    engine = codec.zstd()
    hello = Hello(
        worker=worker,
        host=host.name(),
        boot=host.boot(),
        pid=os.getpid(),
        born=host.born(os.getpid()),
        target=options.target[0],
        python=sys.version.split()[0],
        gpu=devices[0].name if devices else "",
        vram_gb=devices[0].free_gb if devices else 0.0,
        codec=engine.provider if engine else "zlib",
    )
    say(f"{detached.GREETING}{worker} on {options.mailbox} as {', '.join(options.target)}")
    runner = Runner(place, hello, frozenset(options.target), options.idle_exit)
    for wait in runner.serve():
        _sleep(wait, clock, ending)


def _sleep(seconds: float, clock: Clock, ending: Callable[[], str]) -> None:
    """Python goes on sleeping after a signal was handled; being told to end must not wait for a slow tick."""
    told, until = ending(), clock.monotonic() + seconds
    while ending() == told and (left := until - clock.monotonic()) > 0:
        clock.sleep(min(left, 0.5))


def say(line: str) -> None:
    print(line, flush=True)


def _default_work() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "hybrid-runner")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="runner.pyz", description=__doc__)
    parser.add_argument("--mailbox", default="", help="the mailbox as this machine sees it, folder:/path")
    parser.add_argument("--project", default="", help="the project's id")
    parser.add_argument(
        "--target", action="append", default=[], help="take runs for this target; may be repeated"
    )
    parser.add_argument("--work", help="folder for scratch (default: ~/.cache/hybrid-runner)")
    parser.add_argument(
        "--idle-exit", type=float, default=60.0, metavar="SECONDS", help="end after this long without work"
    )
    parser.add_argument(
        "--tick", type=float, metavar="SECONDS", help="a sign of life more often than the mailbox asks for"
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=15.0,
        metavar="SECONDS",
        help="how long a child may take to end when asked",
    )
    parser.add_argument(
        "--detach", action="store_true", help="go on in the background, and say as what process"
    )
    parser.add_argument("--probe", nargs=2, metavar=("PID", "BORN"), help="say whether that runner lives")
    parser.add_argument("--end", nargs=2, metavar=("PID", "BORN"), help="ask that runner to end")
    parser.add_argument("--log", default="", help="with --probe and --end: the log to show the end of")
    return parser


if __name__ == "__main__":
    sys.exit(main())
