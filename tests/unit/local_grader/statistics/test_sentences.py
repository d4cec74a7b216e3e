from local_grader.statistics.libraries import generator
from local_grader.statistics.paired import compare
from local_grader.statistics.sentences import sentence


def runs(both, only_a, only_b, neither):
    rows = [(1, 1)] * both + [(1, 0)] * only_a + [(0, 1)] * only_b + [(0, 0)] * neither
    return {str(at): row[0] for at, row in enumerate(rows)}, {str(at): row[1] for at, row in enumerate(rows)}


def said(a, b, clusters=None):
    return sentence(compare(a, b, clusters, generator(1)), "r7", "r8")


def test_a_real_difference_is_said_with_its_figures():
    a, b = runs(206, 26, 50, 130)
    wanted = (
        "{} is better than {}: 62.1 % against 56.3 %, +5.8 points "
        "(95 % interval +1.7 to +9.9, p = 0.008 by exact McNemar on 412 shared samples)."
    )
    assert said(a, b) == wanted.format("r8", "r7")
    # The same runs the other way round: still the better one first, still a gain.
    assert sentence(compare(b, a, None, generator(1)), "r8", "r7") == wanted.format("r8", "r7")
    assert said(b, a) == wanted.format("r7", "r8")


def test_no_difference_is_said_with_what_would_show_one():
    assert said(*runs(200, 40, 48, 124)) == (
        "No difference can be told: r8 has 60.2 %, r7 58.3 %, +1.9 points (95 % interval -2.5 to +6.4, p = 0.456 by exact McNemar "
        "on 412 shared samples); about 4,500 samples would be needed to see one this small."
    )


def test_clusters_are_counted():
    a, b = runs(100, 0, 60, 40)
    text = said(a, b, {name: int(name) % 25 for name in a})
    assert text.startswith("r8 is better than r7: 80.0 % against 50.0 %, +30.0 points (95 % interval +")
    assert text.endswith("p < 0.001 by a permutation of whole groups on 200 shared samples in 25 groups).")


def test_equal_rates_promise_no_number_of_samples():
    text = said(*runs(5, 2, 2, 1))
    assert "0.0 points" in text and "would be needed" not in text


def test_one_sample_is_no_evidence():
    assert (
        said({"x": 0}, {"x": 0.5})
        == "No difference can be told: r8 has 50.0 %, r7 0.0 %, +50.0 points (on 1 shared sample)."
    )


def test_a_tiny_difference_does_not_read_as_none():
    assert "+0.02 points" in said(*runs(5_000, 0, 1, 1_000))
