"""What a run is called where space is short: always something that the commands take for that run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.run_names import meant
from agent.run_words import Words

EARLY, LATE = "20261120-223145-train-00aa", "20261121-080000-train-00bb"
TWIN, OTHER = "20261122-090000-train-a-00cc", "20261122-090000-train-b-00dd"


@pytest.mark.parametrize(
    ("run", "called", "short"),
    [
        (EARLY, "20261120-223145", "20261120-223145"),
        (LATE, "train", "20261121-080000"),
        (TWIN, "train-a", "20261122-090000-train-a"),
        (OTHER, "train-b", "20261122-090000-train-b"),
        ("r1", "r1", "r1"),
    ],
)
def test_newest_run_goes_by_its_name_and_older_ones_by_their_moment(
    run: str, called: str, short: str
) -> None:
    words = Words([EARLY, LATE, TWIN, OTHER, "r1"])
    assert (words.call(run), words.short(run)) == (called, short)


_NAME = st.sampled_from(["a", "b", "a-b", "20261120-000000", "20261120-000000-a-0001", "00"])
_MOMENT = st.sampled_from(["20261120-000000", "20261120-000001"])
_ID = st.builds("{}-{}-{}".format, _MOMENT, _NAME, st.sampled_from(["0001", "0002"]))


@given(st.sets(_ID | st.sampled_from(["r1", "a"]), min_size=1))
def test_every_form_means_its_own_run(ids: set[str]) -> None:
    words = Words(ids)
    for run in ids:
        assert meant(words.call(run), ids) == run
        assert meant(words.short(run), ids) == run
