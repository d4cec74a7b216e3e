"""What a machine answers is believed only where it is an answer."""

from pathlib import Path

import pytest

from agent.config import parse
from agent.launchers.base import Handle, Launch
from agent.launchers.process import ProcessLauncher, Ran
from agent.launchers.ssh import launcher
from sync.errors import HybridError
from tests.support.sshd import Sshd, running_sshd

HANDLE = Handle(target="ssh:box", pid=7, born="b", host="box", log="", runner="a" * 64)
LAUNCH = Launch(project="p", target="ssh:box", runner="a" * 64, idle_exit=1.0)


@pytest.mark.parametrize(
    "out",
    ["", "[]", "{}", "welcome to box", '{"pid": "7", "born": 1, "host": null, "log": []}', '{"alive": "no"}'],
)
def test_answer_that_is_none_is_an_error_that_names_the_machine(out: str) -> None:
    launcher = ProcessLauncher(
        lambda _: Ran(0, out, ""), lambda sha256: sha256, where="box", python="python3", mailbox="/mail"
    )
    with pytest.raises(HybridError, match="on box"):
        launcher.start(LAUNCH)
    with pytest.raises(HybridError, match="on box"):
        launcher.liveness(HANDLE)
    with pytest.raises(HybridError, match="on box"):
        launcher.stop(HANDLE)


@pytest.mark.parametrize(
    ("path", "folder"),
    [("//srv/mail", "/srv/mail"), ("/srv/mail/", "/srv/mail"), ("//~/mail", f"{Path.home()}/mail")],
)
def test_slashes_that_mean_nothing_do_not_reach_the_runner(tmp_path: Path, path: str, folder: str) -> None:
    with running_sshd(tmp_path / "sshd") as server:
        launch = launcher(f"127.0.0.1:{server.port}", parse(settings(server, path), tmp_path / "hybrid.toml"))
        launch.close()
    assert launch.mailbox == folder


def settings(server: Sshd, path: str) -> str:
    return f"""
[project]
id = "p"
[remote]
url = "sftp://{server.user}@127.0.0.1:{server.port}{path}"
identity = "{server.key}"
known_hosts = "{server.known_hosts}"
"""


def test_a_login_shell_that_prints_does_not_hide_where_home_is(tmp_path: Path) -> None:
    chatty = 'ForceCommand echo WELCOME TO BOX; eval "$SSH_ORIGINAL_COMMAND"; echo BYE'
    with running_sshd(tmp_path / "sshd", chatty) as server:
        launch = launcher(
            f"127.0.0.1:{server.port}", parse(settings(server, "/~/mail box"), tmp_path / "hybrid.toml")
        )
        launch.close()
    assert launch.mailbox == f"{Path.home()}/mail box"
