"""What can be done for a connection before paramiko is loaded, which takes longer than a round trip or two."""

import importlib.util
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from ..errors import Unreachable
from .target import HostSpec, Target, read_config, resolve

CONNECT_S = 15.0
VERSION = "SSH-2.0-hybrid"


def dial(target: Target) -> socket.socket:
    """A connection to where ``target`` is, of which each message leaves at once, and on which ``VERSION`` was said.

    The server says no more than its own version before it has heard ours. Raises Unreachable.
    """
    try:
        sock = socket.create_connection((target.host, target.port), timeout=CONNECT_S)
    except (socket.gaierror, UnicodeError) as error:
        raise Unreachable(
            f"There is no host {target.host} (asked for port {target.port}).",
            "Check the name, the network, and the aliases in ~/.ssh/config.",
        ) from error
    except OSError as error:
        raise Unreachable(
            f"Nothing answers at {target.where}: {error.strerror or 'timed out'}.",
            "Check that the machine runs, and its address and port.",
        ) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):  # one that has hung up already is noticed by whoever reads
        sock.sendall(f"{VERSION}\r\n".encode())
    return sock


class Dialing:
    """A connection that is made meanwhile, to ``target``, which has no jumps. Whoever makes one asks for ``result``."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._sock: socket.socket | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="dial", daemon=True)
        self._thread.start()

    def result(self) -> socket.socket:
        """Raises Unreachable."""
        self._thread.join()
        if self._sock is None:
            assert self._error
            raise self._error
        return self._sock

    def _run(self) -> None:
        try:
            self._sock = dial(self.target)
        except Exception as error:
            self._error = error  # raised where the result is asked for


def begin(spec: HostSpec) -> Dialing | None:
    """Calls the host of ``spec``, where it is not behind another and what its name means is known without paramiko.

    Raises UsageError and Unreachable for a configuration that cannot be followed.
    """
    home = Path.home()
    config = read_config(home)
    target = None if config.says_something else resolve(spec, config, home)
    # Nothing of paramiko that is used here needs it but `Match exec`, and loading it takes as long as all the rest.
    _load_later("invoke")
    return Dialing(target) if target else None


def _load_later(name: str) -> None:
    """The module is loaded when something of it is used."""
    found = importlib.util.find_spec(name) if name not in sys.modules else None
    if found is None or found.loader is None:
        return
    found.loader = importlib.util.LazyLoader(found.loader)
    sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[name])
