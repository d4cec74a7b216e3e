"""What is said of a rate says what it is a rate of."""

from local_grader.metrics import Tally
from local_grader.reports import words
from local_grader.scores import Score


def summary(*values):
    tally = Tally()
    for value in values:
        tally.add(Score(value=value))
    return tally.summary()


def test_what_is_right_is_counted_and_what_lies_in_between_is_averaged():
    right = summary(1, 1, 0)
    assert words.rate_of(right, words.ends(right)).startswith("66.7 % (2 of 3; 95 % interval ")
    between = summary(1, 0.5, 0)
    assert words.rate_of(between, words.ends(between)).startswith("50.0 % (on average over 3; 95 % interval ")
    assert words.rate_of(between, (0.1, 0.9), 12).endswith(", over 12 groups)")


def test_the_share_of_a_stage_says_the_same():
    whole = summary(1, 1, 0.5, 0)
    assert words.share(summary(1, 0), whole) == "2 decided (50.0 %), 50.0 % of them right"
    assert words.share(summary(1, 0.5), whole) == "2 decided (50.0 %), 75.0 % on average"
