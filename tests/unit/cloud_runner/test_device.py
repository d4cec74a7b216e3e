"""GPUs as the driver's tool prints them, and which of them are ours."""

import pytest

from cloud_runner.device import Device, left_to_us, parse

TWO = """\
0, GPU-11aa, Tesla T4, 15360, 15000
1, GPU-22bb, NVIDIA A100-SXM4-40GB, 40960, 40000
"""


def test_names_and_memory_are_read() -> None:
    t4, a100 = parse(TWO)
    assert (t4.handle, t4.uuid, t4.name) == ("0", "GPU-11aa", "Tesla T4")
    assert round(t4.total_gb, 2) == 16.11 and round(t4.free_gb, 2) == 15.73
    assert a100.name == "NVIDIA A100-SXM4-40GB"


def test_a_name_with_commas_stays_whole() -> None:
    assert parse("0, GPU-1, Card, the big one, 1000, 900\n")[0].name == "Card, the big one"


def test_a_lost_gpu_is_left_out() -> None:
    text = (
        "0, GPU-1, Tesla T4, [Unknown Error], [Unknown Error]\nUnable to determine the device handle\n" + TWO
    )
    assert [device.name for device in parse(text)] == ["Tesla T4", "NVIDIA A100-SXM4-40GB"]


def test_memory_shared_with_the_processor_is_a_gpu_all_the_same() -> None:
    assert parse("0, GPU-1, NVIDIA GB10, [N/A], [N/A]\n")[0].total_gb == 0.0


def test_nothing_is_no_gpu() -> None:
    assert parse("") == parse("No devices were found\n") == []


def test_a_scheduler_that_gave_us_some_is_obeyed() -> None:
    devices = parse(TWO)
    assert left_to_us(devices, None) == devices
    assert [d.name for d in left_to_us(devices, "1")] == ["NVIDIA A100-SXM4-40GB"]
    assert [d.handle for d in left_to_us(devices, "1,0")] == ["1", "0"]
    assert [d.handle for d in left_to_us(devices, "GPU-22")] == ["GPU-22"]


def test_a_variable_that_hides_all_hides_all() -> None:
    devices = parse(TWO)
    for visible in ("", "-1", "7", "NoDevFiles"):
        assert left_to_us(devices, visible) == []
    assert [d.handle for d in left_to_us(devices, "0,-1,1")] == ["0"], "CUDA stops at the first that is none"


@pytest.mark.parametrize(
    ("wanted", "name", "fits"),
    [
        ("any", "Tesla T4", True),
        ("T4", "Tesla T4", True),
        ("a100", "NVIDIA A100-SXM4-40GB", True),
        ("RTX 4090", "NVIDIA GeForce RTX 4090", True),
        ("L4", "NVIDIA L40S", False),
        ("A100", "Tesla T4", False),
    ],
)
def test_gpu_is_known_by_a_whole_word_of_its_name(wanted: str, name: str, fits: bool) -> None:
    assert Device(handle="0", uuid="GPU-0", name=name, total_gb=1, free_gb=1).is_a(wanted) is fits
