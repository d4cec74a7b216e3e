"""Which machine a name means: the user's own ssh configuration decides, as it does for ``ssh NAME``.

Everything here is decided from values; only ``read_config`` touches the disk.
"""

import getpass
import glob
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import Unreachable, UsageError

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_INCLUDES_DEEP = 16
_KEYWORDS = frozenset(
    [
        "canonicalizehostname",
        "globalknownhostsfile",
        "hostkeyalias",
        "hostname",
        "match",
        "identitiesonly",
        "identityagent",
        "identityfile",
        "port",
        "proxycommand",
        "proxyjump",
        "user",
        "userknownhostsfile",
    ]
)
_HOST = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:@\s/\[\]]+))(?::(?P<port>\d+))?"
)


@dataclass(frozen=True, kw_only=True)
class HostSpec:
    """A machine as a person names it: a host or an alias of ssh's configuration.

    What is None is for the configuration to say. ``identity`` (a private key) and ``known_hosts`` are paths that
    win over it.
    """

    host: str
    user: str | None = None
    port: int | None = None
    identity: str | None = None
    known_hosts: str | None = None

    def with_files(self, identity: Path | None, known_hosts: Path | None) -> "HostSpec":
        """The same machine with the files that were named; None names none."""
        return replace(
            self,
            identity=str(identity) if identity else self.identity,
            known_hosts=str(known_hosts) if known_hosts else self.known_hosts,
        )

    @property
    def address(self) -> str:
        """``user@host:port``, as far as it was said."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")

    @property
    def command(self) -> str:
        """What a person types to get there."""
        words = ["ssh"]
        if self.port:
            words += ["-p", str(self.port)]
        if self.identity:
            words += ["-i", self.identity]
        if self.known_hosts:
            words += ["-o", f"UserKnownHostsFile={self.known_hosts}"]
        return shlex.join([*words, (f"{self.user}@" if self.user else "") + self.host])


@dataclass(frozen=True, kw_only=True)
class Target:
    """A ``HostSpec`` with nothing left open. ``jumps`` are passed through in that order.

    ``key_name`` is what the host's key is filed under in ``known_hosts``, of which the first is the user's own.
    ``agent`` is the socket of ssh-agent: None for the usual one, empty for none at all.
    """

    spec: HostSpec
    host: str
    port: int
    user: str
    key_name: str
    identities: tuple[str, ...]
    identities_only: bool
    agent: str | None
    known_hosts: tuple[str, ...]
    jumps: tuple[HostSpec, ...]

    @property
    def where(self) -> str:
        return f"{self.host} port {self.port}"


def parse_host(text: str) -> HostSpec:
    """``[user@]host[:port]``; IPv6 addresses in brackets. Raises UsageError."""
    match = _HOST.fullmatch(text)
    host = match and (match["v6"] or match["host"])
    if not match or not host or host.startswith("-") or (match["user"] or "").startswith("-"):
        raise UsageError(f"{text!r} is not a host.", "Write user@host:port; user and port may be left out.")
    if ":" in (match["user"] or ""):
        raise UsageError(
            "A password in a host name is not accepted.",
            "Use an ssh key, with ssh-agent if it has a passphrase.",
        )
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        raise UsageError(f"{text!r} has no possible port.", "A port is a number from 1 to 65535.")
    return HostSpec(host=host, user=match["user"], port=port)


class Config:
    """The lines of ssh's configuration. ``says_something`` where one of them may matter here: most matter not."""

    def __init__(self, text: str, user: Path) -> None:
        self._text = text
        self._user = user
        words = {line.strip().replace("=", " ", 1).partition(" ")[0].lower() for line in text.splitlines()}
        self.says_something = not words.isdisjoint(_KEYWORDS)

    def lookup(self, host: str) -> Mapping[str, Any]:
        """What is said about ``host``, by keyword. Raises UsageError."""
        if not self.says_something:
            return {}
        import paramiko  # it takes long to load, and is not needed where nothing is said

        try:
            config = paramiko.SSHConfig.from_text(self._text)
        except paramiko.SSHException as error:
            raise UsageError(
                f"Ssh's configuration cannot be read: {error}.", f"Correct {self._user}."
            ) from error
        try:
            return config.lookup(host)
        except (paramiko.SSHException, ImportError) as error:
            raise UsageError(
                f"Ssh's configuration for {host} cannot be followed: {error}.",
                "Simplify it or name the host in full.",
            ) from error


def resolve(spec: HostSpec, config: Config, home: Path) -> Target:
    """Fills in what ``spec`` leaves open. Raises UsageError for a configuration that cannot be followed."""
    found = config.lookup(spec.host)
    host = found.get("hostname", spec.host)
    port = spec.port or _port(found.get("port", "22"), spec)
    if (found.get("proxycommand") or "none").lower() != "none" and "proxyjump" not in found:
        raise Unreachable(
            f"Ssh's configuration leads to {spec.host} through a ProxyCommand, which is not run here.",
            "Use ProxyJump for that host.",
        )
    alias = found.get("hostkeyalias")
    files = [spec.identity] if spec.identity else found.get("identityfile", [])
    if not files:
        files = [str(home / ".ssh" / name) for name in DEFAULT_KEYS]
    return Target(
        spec=spec,
        host=host,
        port=port,
        user=spec.user or found.get("user") or getpass.getuser(),
        key_name=alias or key_name(host, port),
        identities=tuple(_expand(file, home) for file in files),
        identities_only=bool(spec.identity) or found.get("identitiesonly", "no").lower() == "yes",
        agent=_agent(found.get("identityagent"), home),
        known_hosts=_known_hosts(spec, found, home),
        jumps=_jumps(found.get("proxyjump", "none"), spec),
    )


def key_name(host: str, port: int) -> str:
    """The name that ``known_hosts`` files a key under."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def read_config(home: Path, system: Path = Path("/etc/ssh/ssh_config")) -> Config:
    """The user's configuration, then the machine's, with their ``Include`` lines. Raises UsageError."""
    user = home / ".ssh" / "config"
    text = (
        _with_includes(user, home / ".ssh", home, 0)
        + "\nHost *\n"
        + _with_includes(system, system.parent, home, 0)
    )
    return Config(text, user)


def _with_includes(path: Path, base: Path, home: Path, depth: int) -> str:
    """paramiko does not know ``Include``. A block goes on after one, so its heading is said again."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    out, heading = [], "Host *"
    for line in lines:
        word, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if word.lower() in ("host", "match"):
            heading = line
        if word.lower() != "include" or depth >= _INCLUDES_DEEP:
            out.append(line)
            continue
        for pattern in _words(rest, comments=True):
            for name in sorted(glob.glob(os.path.join(base, _expand(pattern, home)))):
                out.append(_with_includes(Path(name), base, home, depth + 1))
        out.append(heading)
    return "\n".join(out)


def _words(text: str, *, comments: bool = False) -> list[str]:
    try:
        return shlex.split(text, comments=comments)
    except ValueError as error:
        raise UsageError(
            f"Ssh's configuration has a line that cannot be read: {text.strip()} ({error}).",
            "Correct its quotes.",
        ) from error


def _jumps(text: str, spec: HostSpec) -> tuple[HostSpec, ...]:
    if text.lower() == "none":
        return ()
    hops = (parse_host(hop.strip().removeprefix("ssh://").rstrip("/")) for hop in text.split(","))
    return tuple(replace(hop, known_hosts=spec.known_hosts) for hop in hops)


def _known_hosts(spec: HostSpec, found: Mapping[str, Any], home: Path) -> tuple[str, ...]:
    if spec.known_hosts:
        return (_expand(spec.known_hosts, home),)
    own = found.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    machine = found.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")
    names = [name for text in (own, machine) for name in _words(text) if name.lower() != "none"]
    return tuple(_expand(name, home) for name in names)


def _agent(text: str | None, home: Path) -> str | None:
    if text is None or text == "SSH_AUTH_SOCK":
        return None
    if text.lower() == "none":
        return ""
    return os.environ.get(text[1:], "") if text.startswith("$") else _expand(text.strip('"'), home)


def _port(text: str, spec: HostSpec) -> int:
    if not text.isdecimal():
        raise UsageError(f"Ssh's configuration gives {spec.host} the port {text!r}.", "Correct that line.")
    return int(text)


def _expand(path: str, home: Path) -> str:
    return str(home) + path[1:] if path == "~" or path.startswith(("~/", "~\\")) else path
