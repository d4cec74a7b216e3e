"""A folder of any machine that is reached by SSH.

A file is written under a temporary name and renamed; the server refuses a name that is taken.
"""

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import quote, unquote

from ..errors import NotFound, QuotaExceeded, RemoteError, Transient, Unauthorised, Unreachable, UsageError
from ..ssh.sftp import Entry, SftpSession, Space
from ..ssh.sftp_drafts import Draft
from ..ssh.sftp_packets import NO_SUCH_FILE, NOT_A_FOLDER, PERMISSION_DENIED, SftpBroken, SftpStatus
from ..ssh.target import HostSpec, parse_host
from .base import Capabilities, RemoteFile
from .names import TEMP_PREFIX, checked, checked_folder, is_shown, is_unfinished, with_parents
from .opening import Opening
from .sftp_links import SftpLinks

_FORM = "Write sftp://user@host:port/path/to/folder, or sftp://host/~/folder below the home directory."
_SPARE = 64 * 1024  # a file system that has less than this left over is full


class SftpRemote:
    """The contract of ``Remote`` over ``root`` on the machine ``spec``: absolute, or ``~/...`` in the home there."""

    def __init__(self, spec: HostSpec, root: str, connections: int = 4) -> None:
        self._spec = spec
        self._root = root.rstrip("/") or "/"
        self._capabilities = Capabilities(connections=connections)
        self._links = SftpLinks(spec, connections)
        self._lock = threading.Lock()
        self._left_behind: list[str] = []
        self._writer = uuid.uuid4().hex[:16]
        self._numbers = itertools.count()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def url(self) -> str:
        root = self._root if self._root.startswith("/") else "/" + self._root
        return f"sftp://{self._spec.address}{quote(root, safe='/~')}"

    def list_files(self, folder: str) -> list[RemoteFile]:
        return self._files(folder, is_shown)

    def list_unfinished(self, folder: str) -> list[RemoteFile]:
        return self._files(folder, is_unfinished)

    def list_folders(self, folder: str) -> list[str]:
        checked_folder(folder)
        with self._session(f"list {folder or 'the mailbox'}") as session:
            entries = self._entries(session, self._place(folder))
            return [e.name for e in entries if e.is_folder and is_shown(e.name)]

    def make_folders(self, folders: list[str]) -> None:
        wanted = with_parents(folders)
        with self._session("make folders") as session:
            parents = list(itertools.accumulate(self._base.strip("/").split("/"), lambda a, b: f"{a}/{b}"))
            top = "/" if self._base.startswith("/") else ""
            paths = [top + parent for parent in parents] + [self._place(folder) for folder in wanted]
            try:
                session.make_folders(paths)
            except SftpStatus as error:
                if error.code == NOT_A_FOLDER:
                    where = f"{error} on {self._spec.address}."
                    raise Unreachable(where, "Move that file away or choose another mailbox.") from error
                raise self._refusal(paths[-1], error, session.space(self._base), 0) from error

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        checked(path)
        with self._session(f"read {path}") as session:
            return session.read(self._place(path), offset, length)

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        folder, _, name = checked(path).rpartition("/")
        with self._session(f"write {path}", len(data)) as session:
            self._sweep(session)
            place = self._place(folder)
            draft = session.draft(place, lambda: self._temporary(place), len(data))
            try:
                return self._write(session, draft, f"{place}/{name}", data, before)
            except RemoteError:
                raise
            except BaseException:
                with self._lock:
                    self._left_behind += draft.paths
                raise

    def delete(self, path: str) -> None:
        checked(path)
        with self._session(f"delete {path}") as session:
            session.remove_all([self._place(path)], [])

    def delete_folder(self, folder: str) -> None:
        checked_folder(folder)
        with self._session(f"delete {folder or 'the mailbox'}") as session:
            top = self._place(folder)
            found = session.look(top)
            if found and not found.is_folder:
                session.remove_all([top], [])  # a link: what it points to is not ours
            elif found:
                self._delete_tree(session, top)

    def close(self) -> None:
        self._links.close()

    def _files(self, folder: str, is_wanted: Callable[[str], bool]) -> list[RemoteFile]:
        checked_folder(folder)
        with self._session(f"list {folder or 'the mailbox'}") as session:
            entries = self._entries(session, self._place(folder))
            return [RemoteFile(e.name, e.size) for e in entries if e.is_file and is_wanted(e.name)]

    def _write(
        self,
        session: SftpSession,
        draft: Draft,
        target: str,
        data: bytes,
        before: Callable[[], None] | None,
    ) -> bool:
        try:
            session.write_new(draft, data)
            if before is not None:
                try:
                    before()
                except Exception:
                    with suppress(SftpStatus, SftpBroken):
                        session.remove_all([draft.path], [])
                    raise
            session.rename(draft.path, target)
        except SftpStatus as error:
            taken = session.look(target) is not None
            folder = target.rpartition("/")[0]
            # OpenSSH calls a full disk a mere failure. Ask while the temporary file still takes its room.
            space = (
                None if taken or error.code in (NO_SUCH_FILE, PERMISSION_DENIED) else session.space(folder)
            )
            with suppress(SftpStatus):  # a read-only file system refuses that too, and may not even have it
                session.remove_all([draft.path], [])
            if taken:
                return False
            if error.code == NO_SUCH_FILE and session.look(folder) is not None:
                raise Transient(f"Cannot write {target}: what was written of it was taken away.") from error
            raise self._refusal(target, error, space, len(data)) from error
        return True

    def _refusal(self, target: str, error: SftpStatus, space: Space | None, size: int) -> RemoteError:
        what = f"{self._spec.address} refused to write {target}"
        if error.code in (NO_SUCH_FILE, PERMISSION_DENIED):
            return self._classified(f"write {target}", error)
        if space and not space.writable:
            return QuotaExceeded(f"{what}: the file system is read-only.", "Mount it for writing.")
        if space and space.free < size + _SPARE:
            return QuotaExceeded(f"{what}: its disk is full.", f"Make room for {target.rpartition('/')[0]}.")
        return QuotaExceeded(
            f"{what} ({error}): disk full, over quota, or no permission?", "Look on that machine."
        )

    def _classified(self, what: str, error: SftpStatus) -> RemoteError:
        message = f"Cannot {what} on {self._spec.address}: {str(error).removesuffix('.')}."
        if error.code == NO_SUCH_FILE:
            return NotFound(message, f"Check that the mailbox {self.url} is there.")
        if error.code == PERMISSION_DENIED:
            return Unauthorised(message, f"Give the user there access to {self._root}.")
        return Transient(message)

    def _sweep(self, session: SftpSession) -> None:
        """Removes what broken connections left; costs no round trip of its own."""
        with self._lock:
            gone, self._left_behind = self._left_behind, []
        for path in gone:
            session.remove_soon(path)

    def _delete_tree(self, session: SftpSession, top: str) -> None:
        for attempt in range(3):  # a writer may still put files in
            folders, files = [top], list[str]()
            for folder in folders:
                for entry in self._entries(session, folder):
                    if entry.name not in (".", ".."):
                        (folders if entry.is_folder else files).append(f"{folder}/{entry.name}")
            try:
                session.remove_all(files, folders[::-1])
                return
            except SftpStatus:
                if attempt == 2:
                    raise

    def _entries(self, session: SftpSession, path: str) -> list[Entry]:
        try:
            return session.entries(path)
        except SftpStatus as error:
            if error.code != NO_SUCH_FILE:
                raise
            return []

    @property
    def _base(self) -> str:
        """The root as the server takes it: what does not begin with a slash begins in the home directory."""
        return self._root if self._root.startswith("/") else self._root[2:] or "."

    def _temporary(self, folder: str) -> str:
        return f"{folder}/{TEMP_PREFIX}{self._writer}-{next(self._numbers)}"

    def _place(self, path: str) -> str:
        return f"{self._base}/{path}" if path else self._base

    @contextmanager
    def _session(self, what: str, written: int = 0) -> Iterator[SftpSession]:
        with self._links.session(written) as session:
            try:
                yield session
            except SftpStatus as error:
                raise self._classified(what, error) from error


def from_url(rest: str, opening: Opening) -> SftpRemote:
    """``rest`` is what follows ``sftp:``. User and port may be left to ssh's configuration."""
    url = "sftp:" + rest
    host, _, path = rest.removeprefix("//").partition("/")
    user, at, _ = host.rpartition("@")
    if at and ":" in user:
        raise UsageError(
            "A password in an sftp URL is not accepted.",
            "Use an ssh key, with ssh-agent if it has a passphrase.",
        )
    path = "/" + unquote(path, errors="surrogateescape").strip("/")
    if not rest.startswith("//") or not host or path == "/" or "?" in rest or "#" in rest:
        raise UsageError(f"{url!r} does not name a folder on a machine.", _FORM)
    if ".." in path.split("/") or not path.isprintable():
        raise UsageError(f"{url!r} has a path that is not plain.", _FORM)
    spec = replace(parse_host(unquote(host)), identity=opening.identity, known_hosts=opening.known_hosts)
    return SftpRemote(spec, path[1:] if path == "/~" or path.startswith("/~/") else path)
