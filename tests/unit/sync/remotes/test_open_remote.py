"""URLs: what is understood, and what a person is told about the rest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.errors import UsageError
from sync.remotes import open_remote
from sync.remotes.base import Remote
from sync.remotes.retry import Retrying


def opened(url: str, base_dir: Path = Path("/base")) -> Remote:
    return open_remote(url, clock=ManualClock(), base_dir=base_dir)


def folder_of(url: str, base_dir: Path = Path("/base")) -> str:
    return str(opened(url, base_dir).capabilities.local_path)


def test_what_is_opened_rides_out_transient_failures(tmp_path: Path) -> None:
    assert isinstance(opened(f"folder:{tmp_path}"), Retrying)


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("folder:/srv/mailbox", "/srv/mailbox"),
        ("folder:/srv/mail box/%20", "/srv/mail box/%20"),
        ("folder:///srv/mailbox", "/srv/mailbox"),
        ("folder:mailbox", "/base/mailbox"),
        ("folder:../mailbox/", "/mailbox"),
        ("folder:.", "/base"),
        ("folder:a:b", "/base/a:b"),
        ("folder:~/mailbox", "/home/someone/mailbox"),
    ],
)
def test_a_folder_is_absolute_relative_or_below_home(
    url: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert folder_of(url) == path


@pytest.mark.platform
@pytest.mark.skipif(os.name != "nt", reason="paths of Windows")
@pytest.mark.parametrize("url", ["folder:C:\\mail\\box", "folder:C:/mail/box"])
def test_a_folder_may_have_a_drive_letter(url: str) -> None:
    assert folder_of(url) == "C:\\mail\\box"


@pytest.mark.parametrize(
    ("url", "said", "advised"),
    [
        ("ftp://host/x", "is not the URL", "sftp://"),
        ("drive:Folder", "'drive:Folder'", "sftp://"),
        ("/srv/mailbox", "'/srv/mailbox'", "folder:/srv/mailbox"),
        ("C:\\mailbox", "mailbox", "folder:C:\\mailbox"),
        ("mailbox", "'mailbox'", "folder:mailbox"),
        ("", "''", ""),
        ("folder:", "names no folder", "folder:/path"),
        ("sftp:host:path", "'sftp:host:path'", "sftp://user@host:port/path"),
        ("sftp://", "does not name a folder", "sftp://"),
        ("sftp://host", "does not name a folder", "sftp://host/~/folder"),
        ("sftp://host/", "does not name a folder", "sftp://host/~/folder"),
        ("sftp:///path", "does not name a folder", "sftp://"),
        ("sftp://host/a?b", "does not name a folder", "sftp://"),
        ("sftp://host/a/../b", "not plain", "sftp://"),
        ("sftp://host:port/a", "'host:port' is not a host", "user@host:port"),
        ("sftp://host:99999/a", "no possible port", "65535"),
        ("sftp://-oProxyCommand=x/a", "is not a host", "user@host:port"),
    ],
)
def test_any_other_url_is_refused_with_advice(url: str, said: str, advised: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened(url)
    assert said in str(caught.value)
    assert advised in caught.value.hint


@pytest.mark.skipif(os.name == "nt", reason="two slashes are a network share there")
def test_a_folder_with_two_slashes_is_a_likely_slip() -> None:
    with pytest.raises(UsageError) as caught:
        opened("folder://srv/mailbox")
    assert "folder:/srv/mailbox" in caught.value.hint


def test_opening_a_folder_imports_nothing_but_the_standard_library(tmp_path: Path) -> None:
    program = (
        "import sys; from sync.clock import SystemClock; from sync.remotes import open_remote\n"
        f"open_remote('folder:x', clock=SystemClock(), base_dir={str(tmp_path)!r})\n"
        "sys.exit('paramiko' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[4])


@pytest.mark.parametrize(
    "url",
    [
        "sftp://gpu/srv/mailbox",
        "sftp://me@gpu.example.org:2222/srv/mail%20box",
        "sftp://me@[::1]:2222/~/mailbox",
        "sftp://gpu/~",
    ],
)
def test_an_sftp_url_names_machine_and_folder_and_contacts_nobody(url: str) -> None:
    assert opened(url).url == url


def test_needless_slashes_are_dropped() -> None:
    assert opened("sftp://gpu//srv/mailbox/").url == "sftp://gpu/srv/mailbox"


@pytest.mark.parametrize("url", ["sftp://me:geheim@gpu/x", "ssh://me:geheim@gpu/x", "sftp://me:geheim@gpu"])
def test_a_password_in_a_url_is_neither_taken_nor_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened(url)
    assert "geheim" not in str(caught.value) + caught.value.hint
