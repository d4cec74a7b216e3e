"""The property list of launchd, read again."""

import plistlib
from pathlib import Path

import pytest

from agent.service import launchd
from agent.service.base import Call, Service, Write, take
from sync.errors import UsageError

ODD = "/we ird/100%h \"q\" 's' $HOME <&> \\n \u00fc\u4e2d"


def service(*more: str) -> Service:
    return Service(
        project="plates-2",
        command=("/usr/bin/python3", "-I", "-m", "agent", *more),
        variables={"HYBRID_DATA_DIR": ODD},
        place=Path("/data") / "agents",
    )


def test_description_holds_every_word_as_it_is() -> None:
    found = plistlib.loads(launchd.description(service("-C", ODD)))
    assert found["ProgramArguments"] == ["/usr/bin/python3", "-I", "-m", "agent", "-C", ODD]
    assert found["EnvironmentVariables"] == {"HYBRID_DATA_DIR": ODD}
    assert found["Label"] == "hybrid-plates-2"
    assert (found["RunAtLoad"], found["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert found["AbandonProcessGroup"] is True
    assert Path(found["StandardErrorPath"]) == Path("/data/agents/output.txt")


@pytest.mark.parametrize("path", ["/a\x01b", "/a\nb", "/a\udcff"])
def test_what_it_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="launchd cannot be told"):
        launchd.description(service(path))


def test_it_is_loaded_into_the_session_and_taken_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "Library").mkdir()
    path = tmp_path / "Library" / "LaunchAgents" / "hybrid-plates-2.plist"
    steps = launchd.install(service())
    assert isinstance(steps[0], Write) and steps[0].path == path
    calls = [step for step in steps if isinstance(step, Call)]
    assert [call.words[1] for call in calls] == ["bootout", "bootstrap"]
    assert [call.may_fail for call in calls] == [True, False]
    assert calls[1].words[2:] == (launchd.domain(), str(path))
    take(steps, answers=False)
    assert path.exists()
    for _ in range(2):
        take(launchd.uninstall(service()), answers=False)
        assert list(tmp_path.rglob("*")) == [tmp_path / "Library"]
