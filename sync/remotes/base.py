"""The contract of a remote: a folder that two machines can reach. The only way in or out of a mailbox."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a remote can do, as data: nobody asks for its type.

    settle_s        seconds after which a finished write is visible in every other client's listing
    strong_listing  a listing shows every write that finished before it began, from any client
    local_path      the mailbox is also a directory of this machine, at this path
    pack_size       bytes that a pack should have before it is closed
    first_pack      bytes of the first pack of a push, each next one having twice as many up to ``pack_size``: small
                    where an object is cheap, so that sending begins at once
    connections     calls that may usefully be in flight at a time
    tick_s          seconds between a runner's ticks
    """

    settle_s: float = 0.2
    strong_listing: bool = True
    local_path: str | None = None
    pack_size: int = 16 * 1024 * 1024
    first_pack: int = 1024 * 1024
    connections: int = 1
    tick_s: float = 5.0


@dataclass(frozen=True)
class RemoteFile:
    name: str
    size: int


class Remote(Protocol):
    """Write-once files in folders, addressed by ``/``-separated paths relative to the mailbox's root.

    Paths are printable ASCII and never contain a backslash or empty, ``.`` or ``..`` parts; the caller sees to that,
    and any other path is a bug (ValueError). The empty string as a folder is the root. Files are at most a
    few pack sizes big and travel whole, so that a call is atomic and repeating it is safe.

    *Atomic.* A file is listed and read either whole or not at all, also after a crash on either side.
    *Write once.* ``write`` never changes an existing file. Where two clients write one name at once, both may
    believe that they wrote: the protocol gives each name one writer.
    *Read your writes.* After ``write`` returns, this client's ``read`` of the path succeeds. Other clients, and
    listings, may lag by ``capabilities.settle_s``, and a listing may show a deleted file for as long.
    *Nothing but files and folders.* Links and other special files that someone else put there are not shown, not
    read, and not followed by a deletion.
    *Classified, never retried.* Only the ``RemoteError`` kinds of ``sync.errors`` are raised. A call that raised
    ``Transient`` may or may not have taken effect; making it again is harmless.
    *Threads.* All methods may be called from several threads at once.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def url(self) -> str:
        """How a person names this remote; without secrets."""

    def list_files(self, folder: str) -> list[RemoteFile]:
        """The files directly in ``folder`` in any order; folders and temporary files are left out.

        A folder that is not there is empty. On some storage a name may occur twice.
        """

    def list_folders(self, folder: str) -> list[str]:
        """The names of the folders directly in ``folder``, in any order."""

    def list_unfinished(self, folder: str) -> list[RemoteFile]:
        """The temporary files directly in ``folder``, of writes that are under way or were cut off.

        One whose file is deleted meanwhile fails with Transient, so that it can be made again.
        """

    def make_folders(self, folders: list[str]) -> None:
        """Makes each folder and its parents, the root included. One that is there is fine."""

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """``length`` bytes from ``offset``, or all up to the end; fewer where the file ends. Raises NotFound.

        The file may be of any size: a caller that knows what to expect passes a length.
        """

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        """Makes the file durable and visible under ``path``. Raises NotFound where its folder is missing.

        Returns False, having changed nothing, where the name is taken; True otherwise. ``before`` is called in this
        thread while nobody can see the file yet, for content to arrive that has to be there first: the data may travel
        meanwhile. What it raises is raised, and the file is not made. It may be called more than once, or not at all
        where the name is taken.
        """

    def delete(self, path: str) -> None:
        """Removes a file; one that is not there is fine."""

    def delete_folder(self, folder: str) -> None:
        """Removes a folder and all in it; one that is not there is fine."""

    def close(self) -> None:
        """Lets go of connections. Idempotent; no other call may follow."""
