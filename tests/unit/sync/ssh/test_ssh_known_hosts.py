"""``known_hosts`` is read as ssh reads it."""

import subprocess
from pathlib import Path

import pytest

from sync.ssh.known_hosts import fingerprint, known_keys
from tests.support.sshd import make_key, system_tool

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIEZ1bm55IGxpdHRsZSBrZXkgb2YgdGhpcnR5LXR3byBi"


@pytest.mark.parametrize(
    ("names", "asked", "found"),
    [
        ("gpu", "gpu", True),
        ("GPU", "gpu", True),
        ("gpu", "gpu2", False),
        ("gpu,10.0.0.1", "10.0.0.1", True),
        ("[gpu]:2222", "[gpu]:2222", True),
        ("[gpu]:2222", "gpu", False),
        ("gpu", "[gpu]:2222", False),
        ("[gpu]:2222", "g", False),
        ("*.example.org", "a.example.org", True),
        ("*.example.org,!b.example.org", "b.example.org", False),
        ("!b.example.org,*.example.org", "b.example.org", False),
        ("gp?", "gpu", True),
        ("[*.example.org]:22*", "[a.example.org]:2222", True),
        ("|1|nonsense", "gpu", False),
        ("|1|!!|??", "gpu", False),
    ],
)
def test_names_may_be_patterns(tmp_path: Path, names: str, asked: str, found: bool) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{names} ssh-ed25519 {KEY}\n")
    assert bool(known_keys([str(file)], asked)) is found


def test_a_key_says_where_it_stands(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_text("# comment\n\ngpu\nother ssh-ed25519 %%%\n")
    second.write_text(
        f"other ssh-rsa AAAA\n@cert-authority gpu ssh-rsa AAAA\ngpu ssh-ed25519 {KEY} a comment\n"
    )
    [key] = known_keys([str(first), str(tmp_path / "missing"), str(second)], "gpu")
    assert (key.file, key.line, key.kind, key.revoked) == (str(second), 3, "ssh-ed25519", False)


def test_revoked_keys_are_marked(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"@revoked * ssh-ed25519 {KEY}\n")
    [key] = known_keys([str(file)], "gpu")
    assert key.revoked


@pytest.mark.parametrize("name", ["gpu.example.org", "[127.0.0.1]:2222"])
def test_hashed_names_are_found_and_fingerprints_are_those_of_ssh(tmp_path: Path, name: str) -> None:
    public = Path(f"{make_key(tmp_path / 'key')}.pub")
    file = tmp_path / "known_hosts"
    file.write_text(f"{name} {public.read_text()}")
    subprocess.run([system_tool("ssh-keygen"), "-H", "-f", str(file)], check=True, capture_output=True)
    assert name not in file.read_text()
    [key] = known_keys([str(file)], name)
    assert known_keys([str(file)], "another") == []
    shown = subprocess.run(
        [system_tool("ssh-keygen"), "-lf", str(public)], check=True, capture_output=True, text=True
    )
    assert fingerprint(key.blob) == shown.stdout.split()[1]
