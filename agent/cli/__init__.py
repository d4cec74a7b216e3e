"""The command line. ``main`` is the only place where an error becomes an exit code.

Commands return their exit code, or nothing for done, and raise ``sync.errors`` for what ends them early. They are
imported when they are called: ``hybrid --help`` is answered in a tenth of a second.
"""

import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import click

from .. import __version__
from ..exits import Exit
from .failures import report as tell_failure
from .lazy import LazyGroup
from .options import Call, common_options
from .typed import remember

# One line a command, in the order in which one comes to need them.
COMMANDS = {
    "init": ("agent.cli.init:init", "Make this folder a project."),
    "push": ("agent.cli.push:push", "Publish the project to the mailbox."),
    "run": ("agent.cli.run:run", "Run a command on the machine with the GPU."),
    "up": ("agent.cli.up:up", "Start a runner for what is queued."),
    "down": ("agent.cli.down:down", "End the runners that this project has started."),
    "status": ("agent.cli.status:status", "Show how the runs stand, or one of them."),
    "today": ("agent.cli.today:today", "Show what happened since yesterday."),
    "logs": ("agent.cli.logs:logs", "Show what a run prints."),
    "pull": ("agent.cli.pull:pull", "Bring the outputs of runs home."),
    "agent": ("agent.cli.agent:agent", "Keep project and mailbox in step while nobody looks."),
    "stop": ("agent.cli.stop:stop", "Stop a run for good."),
    "rm": ("agent.cli.rm:rm", "Remove runs from the mailbox."),
    "gc": ("agent.cli.gc:gc", "Remove what nothing needs any more from the mailbox."),
    "grade": ("agent.cli.grade:grade", "Grade the answers of a run, or in a file."),
    "report": ("agent.cli.report:report", "Report the grades of a run, on the screen and in files."),
    "gradings": ("agent.cli.gradings:gradings", "Show the gradings that are kept, or remove some."),
    "compare": ("agent.cli.compare:compare", "Tell whether one of two runs is better."),
    "label": ("agent.cli.label:label", "Label samples of a run by hand."),
    "calibrate": ("agent.cli.calibrate:calibrate", "Measure what graded a run against labels."),
    "demo": ("agent.cli.demo:demo", "Show the whole loop on this machine."),
    "doctor": ("agent.cli.doctor:doctor", "Check this machine, the project and its mailbox."),
    "completion": ("agent.cli.completion:completion", "Print a script that completes commands in a shell."),
}


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@common_options
def hybrid(call: Call) -> None:
    """Work on this machine, run where the GPU is.

    hybrid pushes a project to a mailbox that a GPU machine can reach too, runs commands there, and brings verified
    results home. Either side may sleep or fail; the other goes on.

    \b
    Examples:
      hybrid init --remote sftp://me@box/~/mailbox
      hybrid run --over data.jsonl --chunk 20 -- python3 solve.py
      hybrid pull
      hybrid completion bash >> ~/.bashrc
    """
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command that ``args`` (default: the process's) name; returns its exit code."""
    words = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that this terminal cannot show is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    instruction = os.environ.get("_HYBRID_COMPLETE")
    if instruction:
        from .shells import shell_complete

        return shell_complete(hybrid, {}, "hybrid", "_HYBRID_COMPLETE", instruction)
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except (Exception, KeyboardInterrupt) as error:
        pipe = isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.EINVAL)
        # Is it the pipe that we write to, or a socket that a remote should have looked after? An empty line tells.
        if _drop_broken_output("\n" if pipe else "") and pipe:
            # Whoever read our output has seen enough, as ``head`` does.
            return Exit.FAILED
        # Options are not parsed yet when parsing itself fails; what follows ``--`` is not ours.
        as_json = "--json" in words[: words.index("--") if "--" in words else None]
        # Not called report: a command's module of that name would take its place in this package.
        return tell_failure(error, as_json=as_json)


def _run(words: list[str]) -> int:
    try:
        # A copy, because click takes away what it has parsed, and ``main`` still wants to know what was there.
        with hybrid.make_context("hybrid", list(words)) as context:
            remember(context, words)
            code = hybrid.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    return code if isinstance(code, int) else Exit.DONE


def _drop_broken_output(text: str) -> bool:
    """Whether standard output does not take ``text``; what it still holds is then dropped, so that Python can exit."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return True
    return False
