"""What a machine answers is believed only where it is an answer."""

import pytest

from agent.launchers.base import Handle, Launch
from agent.launchers.process import ProcessLauncher, Ran
from sync.errors import HybridError

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
