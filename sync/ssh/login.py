"""Proves who we are to a host: keys from ssh-agent and from files, in the order in which ssh tries them."""

import base64
import binascii
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from paramiko.agent import AgentKey, AgentSSH

from ..errors import Transient, Unauthorised, Unreachable
from .target import Target
from .transport import Transport

_USABLE = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


@dataclass
class _Tried:
    """What a person must know when nothing worked."""

    refused: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)


def log_in(transport: Transport, target: Target) -> None:
    """Authenticates with the first key that the host accepts.

    Raises Unauthorised naming what was tried, and Transient where the line broke, or what was sent ahead may have
    put the host off.
    """
    tried = _Tried()
    with _agent_keys(target.agent) as agent_keys:
        for label, key in _candidates(target, agent_keys, tried):
            try:
                more = transport.auth_publickey(target.user, key)
            except paramiko.BadAuthenticationType as error:
                wanted = " or ".join(error.allowed_types)
                raise Unauthorised(
                    f"{target.where} accepts no keys from {target.user}, only {wanted}.",
                    "Let the host accept your public key.",
                ) from error
            except TimeoutError as error:
                raise Transient(f"{target.where} did not answer to {label} in time.") from error
            except (paramiko.SSHException, OSError, EOFError) as error:
                tried.refused.append(label)
                if isinstance(error, paramiko.SSHException) and transport.is_active():
                    continue
                if transport.ahead:
                    raise Transient(f"{target.where} hung up during the login.") from error
                if len(tried.refused) == 1:
                    # Perhaps the line broke. Trying again and again could be what a host bans its guests for.
                    raise Unreachable(
                        f"{target.where} hung up during the login, when {label} was tried.",
                        f"Do it again; if it stays so, see whether `{target.spec.command}` gets in with that key.",
                    ) from error
                raise _refusal(target, tried, " and then hung up") from error
            if more:
                wanted = " and ".join(more)
                raise Unauthorised(
                    f"{target.where} wants {wanted} as well as the key of {target.user}.",
                    "A second factor cannot be given unattended; use a host or user that needs a key only.",
                )
            return
    raise _refusal(target, tried, "")


def _candidates(
    target: Target, agent_keys: tuple[AgentKey, ...], tried: _Tried
) -> Iterator[tuple[str, paramiko.PKey]]:
    """Keys with how to name them: the agent's that a file is meant by, the agent's others, files."""
    usable = [key for key in agent_keys if key.get_name() in _USABLE]
    held = {key.asbytes(): key for key in usable}
    publics = {path: _public_blob(path) for path in target.identities}
    meant = [blob for blob in publics.values() if blob in held]
    others = [] if target.identities_only else [blob for blob in held if blob not in meant]
    for blob in [*meant, *others]:
        if blob is not None:
            yield f"{held[blob].comment or held[blob].fingerprint} (ssh-agent)", held[blob]
    for path, public in publics.items():
        if public in held or path.endswith(".pub"):
            continue
        key = _load(path, path == target.spec.identity, tried)
        if key:
            yield path, key


def _load(path: str, asked_for: bool, tried: _Tried) -> paramiko.PKey | None:
    try:
        return paramiko.PKey.from_path(path)
    except FileNotFoundError:
        if asked_for:
            tried.unusable.append(f"{path} is not there")
    except (TypeError, paramiko.PasswordRequiredException):
        tried.locked.append(path)  # how the libraries say that a passphrase is needed
    except OSError as error:
        tried.unusable.append(f"{path} cannot be read ({error.strerror})")
    except (ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
        tried.unusable.append(f"{path} is not a private key of a known kind")
    return None


def _refusal(target: Target, tried: _Tried, ending: str) -> Unauthorised:
    parts = []
    if tried.refused:
        parts.append("refused " + ", ".join(tried.refused) + ending)
    if tried.locked:
        parts.append("locked by a passphrase: " + ", ".join(tried.locked))
    parts += tried.unusable
    what = "; ".join(parts) or "there is no key to try"
    if tried.locked:
        hint = f"run `ssh-add {tried.locked[0]}` so that ssh-agent holds the key"
    elif tried.refused:
        hint = f"put the public key into ~/.ssh/authorized_keys of {target.user} on the host, or check the user name"
    else:
        hint = "make a key with `ssh-keygen` and let the host accept it"
    return Unauthorised(f"Cannot log in as {target.user} to {target.where}: {what}.", hint)


def _public_blob(path: str) -> bytes | None:
    public = path if path.endswith(".pub") else path + ".pub"
    try:
        return base64.b64decode(Path(public).read_text(encoding="utf-8").split()[1], validate=True)
    except (OSError, ValueError, IndexError, binascii.Error):
        return None


class _Agent(AgentSSH):
    def __init__(self, connection: object) -> None:
        super().__init__()
        self._connect(connection)  # type: ignore[attr-defined]

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]


@contextmanager
def _agent_keys(path: str | None) -> Iterator[tuple[AgentKey, ...]]:
    """The keys of ssh-agent, usable inside the block; none where no agent answers."""
    if sys.platform == "win32":
        agent = paramiko.Agent()
        try:
            yield agent.get_keys()
        finally:
            agent.close()
        return
    path = os.environ.get("SSH_AUTH_SOCK") if path is None else path
    if not path:
        yield ()
        return
    # Opened here and not by paramiko, which leaves the socket open when nobody answers.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
            keys = _Agent(connection).get_keys()
        except (OSError, paramiko.SSHException):
            keys = ()
        yield keys
