"""One verified SSH connection. The only opener of connections; nothing is trusted that ``known_hosts`` does not hold.

It follows the user's own ssh configuration (aliases, keys, agent, jump hosts). Our own socket, because with
paramiko's every request waits for a delayed acknowledgement: 1 MB/s instead of 68 was measured.
"""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko

from ..clock import SystemClock
from ..errors import RemoteError, Transient, Unreachable, UsageError
from .known_hosts import KnownKey, known_keys, verify
from .login import log_in
from .sftp import SftpSession
from .sftp_packets import SftpBroken
from .start import CONNECT_S, Dialing, dial
from .target import Config, HostSpec, Target, read_config, resolve
from .transport import STALL_S, Ahead, Transport

LOGIN_S = 60.0  # a hardware key or an agent may ask its owner
KEEPALIVE_S = 15
MOST_OUTPUT = 8 * 1024 * 1024
"""Bytes of each output of a command that are kept, the last ones: what a host prints must not fill the memory."""
_JUMPS_DEEP = 8
_TUNNEL_WINDOW = 16 * 1024 * 1024
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
_RSA = ("rsa-sha2-512", "rsa-sha2-256")

# paramiko logs whole traces of failures that are reported here as errors.
_LOG = "sync.ssh.paramiko"
logging.getLogger(_LOG).addHandler(logging.NullHandler())
logging.getLogger(_LOG).propagate = False


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A command that ended. ``rc`` is -1 where a signal ended it; ``out`` and ``err`` are ends of at most
    ``MOST_OUTPUT`` bytes."""

    rc: int
    out: bytes
    err: bytes


class SshConnection:
    """A connection whose host key was checked and whose login succeeded. Threads may share it."""

    def __init__(self, target: Target, transport: Transport, resources: ExitStack) -> None:
        """Use ``open`` or ``open_for_sftp``."""
        self.target = target
        self._transport = transport
        self._resources = resources

    @classmethod
    def open(cls, spec: HostSpec, home: Path | None = None) -> "SshConnection":
        """Connects, through jump hosts where the configuration says so, each verified likewise.

        ``home`` is where ``.ssh`` is looked for. Raises UsageError, Unreachable, Unauthorised (host key or login)
        and Transient.
        """
        home = home or Path.home()
        return _open(spec, read_config(home), home, None, 0)

    @classmethod
    def open_for_sftp(
        cls, spec: HostSpec, first: Callable[[], bytes] | None, dialing: Dialing | None = None
    ) -> tuple["SshConnection", paramiko.Channel]:
        """Connects, and gives a channel on which SFTP was asked for; the server may refuse that by closing it.

        Where that is known to work, what ``first`` returns is sent on it with the login. ``dialing`` is on its way
        to the host of ``spec`` already. Raises as ``open`` does.
        """
        home = Path.home()
        connection = _open(spec, read_config(home), home, None, 0, first, dialing)
        try:
            ahead = connection._transport.ahead
            channel = ahead.opened(CONNECT_S) if ahead else connection._sftp_channel()
            channel.settimeout(STALL_S)
        except (paramiko.SSHException, OSError, EOFError) as error:
            failure = connection.without_sftp(error)
            connection.close()
            raise failure from error
        return connection, channel

    @property
    def alive(self) -> bool:
        return self._transport.is_active()

    def run(self, command: str, stdin: bytes = b"", timeout: float = 60.0) -> Completed:
        """Runs ``command`` in the login shell of the host and waits for its end.

        What it starts and leaves running must not hold on to its output, or the end does not come.
        Raises Transient where the connection breaks or ``timeout`` seconds pass; the command may go on then.
        """
        where = self.target.where
        channel = self._channel(2 * 1024 * 1024)
        late = threading.Event()

        def stop() -> None:
            late.set()
            channel.close()

        timer = threading.Timer(timeout, stop)
        timer.daemon = True
        err = bytearray()
        threads = [
            threading.Thread(target=_feed, args=(channel, stdin), daemon=True),
            threading.Thread(target=_keep_end, args=(err, channel.recv_stderr), daemon=True),
        ]
        try:
            timer.start()
            channel.exec_command(command)
            for thread in threads:
                thread.start()
            out = bytearray()
            _keep_end(out, channel.recv)
            rc = channel.recv_exit_status()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Transient(f"The connection to {where} broke while a command ran: {error}.") from error
        finally:
            timer.cancel()
            channel.close()
            for thread in (timer, *threads):
                if thread.ident is not None:
                    thread.join()
        if late.is_set():
            raise Transient(f"A command on {where} did not end within {timeout:g} s.")
        if rc == -1 and not self.alive:
            raise Transient(f"The connection to {where} broke while a command ran.")
        return Completed(rc=rc, out=bytes(out), err=bytes(err))

    def open_sftp(self) -> SftpSession:
        """A new SFTP session. Raises Transient, or Unreachable where SFTP is off."""
        channels = []

        def connect(first: Callable[[], bytes]) -> paramiko.Channel:
            channels.append(self._sftp_channel())
            return channels[0]

        session = SftpSession(connect)
        try:
            session.wire.start()
        except (paramiko.SSHException, OSError, EOFError, SftpBroken) as error:
            for channel in channels:
                channel.close()
            raise self.without_sftp(error) from error
        return session

    def without_sftp(self, error: Exception) -> RemoteError:
        """What it means that no SFTP session came about."""
        if not self.alive or isinstance(error, TimeoutError):
            return Transient(f"The connection to {self.target.where} broke: {error}.")
        return Unreachable(
            f"{self.target.where} offers no SFTP: {error}.",
            "Switch on `Subsystem sftp internal-sftp` in its sshd_config.",
        )

    def open_tunnel(self, host: str, port: int) -> paramiko.Channel:
        """A byte stream to ``host`` as seen from this one. Raises Unreachable."""
        try:
            return self._transport.open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), window_size=_TUNNEL_WINDOW, timeout=CONNECT_S
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unreachable(
                f"{host} port {port} cannot be reached through {self.target.where}: {error}.",
                "Check the host name, and that the jump host allows forwarding.",
            ) from error

    def close(self) -> None:
        """Idempotent."""
        self._resources.close()

    def _channel(self, window: int | None = None) -> paramiko.Channel:
        try:
            return self._transport.open_session(window, timeout=CONNECT_S)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Transient(f"The connection to {self.target.where} broke: {error}.") from error

    def _sftp_channel(self) -> paramiko.Channel:
        channel = self._channel()
        channel.settimeout(STALL_S)
        self._transport.ask_for_sftp(channel)
        return channel


def _open(
    spec: HostSpec,
    config: Config,
    home: Path,
    through: SshConnection | None,
    depth: int,
    first: Callable[[], bytes] | None = None,
    dialing: Dialing | None = None,
) -> SshConnection:
    if depth > _JUMPS_DEEP:
        raise UsageError(
            f"Ssh's configuration leads to {spec.host} through itself.", "Correct its ProxyJump lines."
        )
    target = resolve(spec, config, home)
    resources = ExitStack()
    try:
        # The first hop may have jumps of its own; the others are reached through the hop before, whatever they say.
        for hop in target.jumps if through is None else ():
            through = _open(hop, config, home, through, depth + 1)
            resources.callback(through.close)
        sock: socket.socket | paramiko.Channel
        if through:
            sock = through.open_tunnel(target.host, target.port)
        else:
            sock = dialing.result() if dialing else dial(target)
        transport = Transport(sock, introduced=through is None)
        resources.callback(transport.close)
        resources.callback(_hang_up, sock)
        _prepare(transport)
        known = known_keys(target.known_hosts, target.key_name)
        _shake_hands(transport, target, known)
        key = transport.get_remote_server_key()
        verify(key.get_name(), key.asbytes(), target, known)
        if first and transport.takes_things_ahead:
            transport.ahead = Ahead(transport, first())
        log_in(transport, target)
        transport.set_keepalive(KEEPALIVE_S)
    except BaseException:
        resources.close()
        raise
    return SshConnection(target, transport, resources)


def _hang_up(sock: socket.socket | paramiko.Channel) -> None:
    """Wakes the transport's thread, which looks up only every 0.1 s, so that closing does not wait for it.

    A tunnel is closed at once: woken sooner, the thread would close it too, through a line that may be gone by then.
    """
    with suppress(OSError, EOFError):
        if isinstance(sock, socket.socket):
            sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _prepare(transport: paramiko.Transport) -> None:
    transport.set_log_channel(_LOG)
    transport.daemon = True
    transport.banner_timeout = transport.handshake_timeout = CONNECT_S
    transport.auth_timeout = LOGIN_S
    transport.get_security_options().ciphers = _CIPHERS


def _shake_hands(transport: paramiko.Transport, target: Target, known: list[KnownKey]) -> None:
    options = transport.get_security_options()
    # A host has keys of several kinds. Ask for one that is known first, as ssh does.
    kinds = [kind for key in known for kind in (_RSA if key.kind == "ssh-rsa" else (key.kind,))]
    wanted = [kind for kind in kinds if kind in options.key_types]
    options.key_types = tuple(dict.fromkeys([*wanted, *options.key_types]))
    clock = SystemClock()
    began = clock.monotonic()
    try:
        transport.start_client(timeout=CONNECT_S)
        transport.get_remote_server_key()
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise Unreachable(
            f"{target.where} speaks no kind of SSH that is known here: {error}.", "Update its SSH server."
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        reason = str(error) or "it hung up"
        if clock.monotonic() - began > 0.9 * CONNECT_S:
            # Trying again would only be another long silence.
            raise Unreachable(
                f"{target.where} took the connection and then said nothing for {CONNECT_S:.0f} s ({reason}).",
                f"See whether `{target.spec.command}` gets through; the machine may be overloaded or asleep.",
            ) from error
        raise Transient(f"{target.where} did not shake hands as an SSH server: {reason}.") from error


def _keep_end(kept: bytearray, receive: Callable[[int], bytes]) -> None:
    while piece := receive(65536):
        kept += piece
        if len(kept) > MOST_OUTPUT:
            del kept[:-MOST_OUTPUT]


def _feed(channel: paramiko.Channel, data: bytes) -> None:
    try:
        channel.sendall(data)
        channel.shutdown_write()
    except (paramiko.SSHException, OSError, EOFError):
        return  # the command did not want it all; its exit status says what that means
