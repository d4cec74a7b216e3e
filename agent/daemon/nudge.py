"""A word from a command to the agent: there is something new, look. It says nothing else, and may get lost.

A datagram on loopback: it needs no answer, no file and no polling, on every system. Any program of this machine can send
one, and all that comes of it is a look.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from ..project import Project
from .tell.record import folder, read
from .tell.status import STOPPED

_HERE = "127.0.0.1"
_PAUSE_S = 0.2


@contextlib.contextmanager
def listening(project: str, nudged: Callable[[], None]) -> Iterator[int]:
    """``project`` is its id: the port may have been another agent's before. Gives the port on which ``nudged`` is called for; 0 where none can be had."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        ear.bind((_HERE, 0))
        port = int(ear.getsockname()[1])
    except OSError:
        ear.close()
        yield 0
        return
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            try:
                word = ear.recv(256)
            except OSError:  # Windows tells of earlier answers that nobody took
                ended.wait(_PAUSE_S)  # what fails again and again must not keep a processor busy
                continue
            if word == _word(project) and not ended.is_set():
                nudged()

    thread = threading.Thread(target=listen, name="nudge", daemon=True)
    thread.start()
    try:
        yield port
    finally:
        ended.set()
        nudge(port, project)
        thread.join(1.0)
        ear.close()


def nudge_agent(project: Project) -> None:
    """Lets the project's agent look at once, if there is one. Never fails."""
    status = read(folder(project.config.project.id))
    if status is not None and status.state != STOPPED:
        nudge(status.port, project.config.project.id)


def nudge(port: int, project: str) -> None:
    """Never fails."""
    if port:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(_word(project), (_HERE, port))


def _word(project: str) -> bytes:
    return f"hybrid {project}".encode()
