"""An SFTP server that breaks one of the promises that a mailbox leans on, as some servers do.

It lets everybody in and runs no commands.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko

from .sshd import make_key

VICES = ("overwrites", "shortens", "lists nothing", "takes nothing")


class CarelessSftp:
    """port         where it listens
    known_hosts  a file that holds its host key
    root         the folder that it serves
    """

    def __init__(self, folder: Path, vice: str) -> None:
        assert vice in VICES
        folder.mkdir()
        self.vice = vice
        self.root = folder / "root"
        self.root.mkdir()
        self.identity = make_key(folder / "client_key")
        key = make_key(folder / "host_key")
        self._key = paramiko.Ed25519Key.from_private_key_file(str(key))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.known_hosts = folder / "known_hosts"
        blob = self._key.get_base64()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self._key.get_name()} {blob}\n")
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"sftp://me@127.0.0.1:{self.port}{self.root}"

    def close(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes the listener
        self._thread.join(10)
        for transport in self._transports:
            transport.close()

    def _serve(self) -> None:
        with self._listener:
            while True:
                connection, _ = self._listener.accept()
                if connection.recv(1, socket.MSG_PEEK) == b"":
                    connection.close()
                    return
                transport = paramiko.Transport(connection)
                transport.add_server_key(self._key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self)
                transport.start_server(event=threading.Event(), server=_Everybody())
                self._transports.append(transport)


@contextmanager
def careless_sftp(folder: Path, vice: str) -> Iterator[CarelessSftp]:
    server = CarelessSftp(folder, vice)
    try:
        yield server
    finally:
        server.close()


class _Everybody(paramiko.ServerInterface):
    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _File(paramiko.SFTPHandle):
    """paramiko reads and writes ``readfile`` and ``writefile``."""

    readfile: Any
    writefile: Any

    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat((self.readfile or self.writefile).fileno()))


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: Any, careless: CarelessSftp) -> None:
        super().__init__(server)
        self._vice = careless.vice

    def list_folder(self, path: str) -> Any:
        if self._vice == "lists nothing":
            return []
        return _answer(lambda: [self._attributes(path, name) for name in os.listdir(path)])

    def lstat(self, path: str) -> Any:
        return _answer(lambda: paramiko.SFTPAttributes.from_stat(os.lstat(path)))

    def stat(self, path: str) -> Any:
        return _answer(lambda: paramiko.SFTPAttributes.from_stat(os.stat(path)))

    def open(self, path: str, flags: int, attr: Any) -> Any:
        if self._vice == "takes nothing" and flags & os.O_CREAT:
            return paramiko.SFTP_FAILURE

        def opened() -> _File:
            handle = _File(flags)
            file = os.fdopen(os.open(path, flags, 0o600), "wb" if flags & os.O_WRONLY else "rb")
            handle.readfile = None if flags & os.O_WRONLY else file
            handle.writefile = file if flags & os.O_WRONLY else None
            return handle

        return _answer(opened)

    def rename(self, oldpath: str, newpath: str) -> Any:
        if self._vice != "overwrites" and os.path.exists(newpath):
            return paramiko.SFTP_FAILURE
        if self._vice == "shortens":
            os.truncate(oldpath, os.path.getsize(oldpath) - 1)
        return _answer(lambda: os.replace(oldpath, newpath))

    def remove(self, path: str) -> Any:
        return _answer(lambda: os.unlink(path))

    def mkdir(self, path: str, attr: Any) -> Any:
        return _answer(lambda: os.mkdir(path))

    def rmdir(self, path: str) -> Any:
        return _answer(lambda: os.rmdir(path))

    def _attributes(self, folder: str, name: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.lstat(os.path.join(folder, name)), name)


def _answer(call: Any) -> Any:
    """What ``call`` returns, or what the protocol calls its failure."""
    try:
        found = call()
    except OSError as error:
        return paramiko.SFTPServer.convert_errno(error.errno)
    return paramiko.SFTP_OK if found is None else found
