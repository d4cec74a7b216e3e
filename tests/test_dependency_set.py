"""That hybrid can be installed without a compiler where it promises to run: every package has a wheel for each system.

Asks the package index for metadata only; nothing is installed. Where no index answers, or none with wheels for other systems,
these tests are skipped. ``pip download`` would fetch torch itself, and only ``install --dry-run`` tells what it chose.
"""

import configparser
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
OLDEST, NEWEST = "3.11", "3.14"
BETWEEN = ("3.12", "3.13")
EXTRAS = ("statistics", "gpu", "dev", "fuzz")
# Published as source alone, of pure Python: no wheel, and no compiler needed.
WITHOUT_WHEELS = ("rouge",)
# Has wheels for everything, and nothing of ours needs it.
UNRELATED = "MarkupSafe"

# pip looks for the wheels of another system, but reads the markers of requirements as if for its own.
_AS_IF_THERE = """
import json, sys
from pip._vendor.packaging import markers
here, there = markers.default_environment, json.loads(sys.argv[1])
markers.default_environment = lambda: {**here(), **there}
from pip._internal.cli.main import main
sys.exit(main(sys.argv[2:]))
"""

pytestmark = [pytest.mark.network, pytest.mark.platform, pytest.mark.slow]


@dataclass(frozen=True)
class System:
    """``tag`` is the newest that wheels may ask for; macOS 13 is the oldest with security updates when this was written."""

    name: str
    tag: str
    markers: tuple[tuple[str, str], ...]

    def resolved(self, requirements: list[str], python: str, folder: Path) -> dict[str, str]:
        """The packages that would be installed, and the files that they come in. Raises Unresolved."""
        there = {**dict(self.markers), "python_version": python, "python_full_version": f"{python}.0"}
        report = folder / "report.json"
        command = [sys.executable, "-c", _AS_IF_THERE, json.dumps(there), "install"]
        command += ["--quiet", "--dry-run", "--ignore-installed", "--no-input", "--disable-pip-version-check"]
        command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
        command += ["--platform", self.tag, "--target", str(folder / "target"), "--report", str(report)]
        command += ["--timeout", "15", "--retries", "1", *requirements]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if "ERROR" in line]
            raise Unresolved("\n".join(lines) or done.stderr[-1000:])
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
        return {
            each["metadata"]["name"].lower(): each["download_info"]["url"].rpartition("/")[2]
            for each in found
        }


class Unresolved(Exception):
    """What pip says."""


def _darwin(machine: str) -> tuple[tuple[str, str], ...]:
    words = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
    return (*words.items(), ("platform_machine", machine))


WINDOWS = System(
    "Windows x64",
    "win_amd64",
    (
        ("sys_platform", "win32"),
        ("platform_system", "Windows"),
        ("os_name", "nt"),
        ("platform_machine", "AMD64"),
    ),
)
INTEL = System("macOS Intel", "macosx_13_0_x86_64", _darwin("x86_64"))
ARM = System("macOS ARM", "macosx_13_0_arm64", _darwin("arm64"))
SYSTEMS = (WINDOWS, INTEL, ARM)


def listed(section: str, key: str) -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "setup.cfg", encoding="utf-8")
    return [line for line in parser[section][key].split("\n") if line]


def everything() -> list[str]:
    """What hybrid needs and what its extras need; where all that can be had at once, each can be had alone."""
    extras = [line for extra in EXTRAS for line in listed("options.extras_require", extra)]
    return listed("options", "install_requires") + extras


def distribution(requirement: str) -> str:
    return re.split(r"[<>=;\s\[]", requirement)[0].lower()


@pytest.fixture(scope="module", autouse=True)
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    for system in SYSTEMS:
        try:
            system.resolved([UNRELATED], OLDEST, tmp_path_factory.mktemp("index"))
        except (Unresolved, subprocess.TimeoutExpired) as error:
            pytest.skip(f"no package index with wheels for {system.name} can be reached: {error}")


@pytest.mark.parametrize("python", [OLDEST, NEWEST])
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_package_has_a_wheel_with_all_extras(system: System, python: str, tmp_path: Path) -> None:
    assert_wheels(system, python, everything(), tmp_path)


@pytest.mark.parametrize("python", BETWEEN)
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_package_that_hybrid_needs_has_a_wheel(system: System, python: str, tmp_path: Path) -> None:
    assert_wheels(system, python, listed("options", "install_requires"), tmp_path)


def assert_wheels(system: System, python: str, requirements: list[str], folder: Path) -> None:
    found = system.resolved(requirements, python, folder)
    assert [file for file in found.values() if not file.endswith(".whl")] == []
    wanted = {distribution(line) for line in requirements if ";" not in line}
    assert sorted(wanted - found.keys()) == []


def test_markers_are_read_as_on_the_other_system(tmp_path: Path) -> None:
    assert "colorama" in WINDOWS.resolved(["pytest>=8.3"], "3.11", tmp_path)
    assert "colorama" not in ARM.resolved(["pytest>=8.3"], "3.11", tmp_path)
    zstd = [line for line in listed("options", "install_requires") if line.startswith("backports.zstd")]
    assert "backports.zstd" in ARM.resolved(zstd, "3.13", tmp_path)
    assert ARM.resolved([*zstd, UNRELATED], "3.14", tmp_path).keys() == {UNRELATED.lower()}


def test_a_package_without_a_wheel_would_be_noticed(tmp_path: Path) -> None:
    # There is none for a Python that is so much older than the package.
    with pytest.raises(Unresolved, match="pyfastcdc"):
        WINDOWS.resolved(["pyfastcdc>=0.3.1"], "3.6", tmp_path)


def test_extras_are_all_looked_at() -> None:
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "setup.cfg", encoding="utf-8")
    assert sorted(parser["options.extras_require"]) == sorted((*EXTRAS, *WITHOUT_WHEELS))
