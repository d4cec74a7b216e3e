"""Processes that work for this one: the order of what comes of it, and their end."""

import multiprocessing
import os
import time
from contextlib import closing
from functools import partial

import pytest

from local_grader.workers import in_order

LARGE = 8 << 20
"""Bytes: more than a pipe takes at once."""


def slow_at_first():
    return _slow_at_first


def _slow_at_first(number):
    time.sleep(0.3 if number == 0 else 0)
    return number * number


def large():
    return _large


def _large(number):
    return bytes(LARGE)


def exiting(number):
    os._exit(number)


def test_answers_come_in_order_whoever_is_first():
    assert list(in_order(slow_at_first, range(20), 3)) == [number * number for number in range(20)]
    assert list(in_order(slow_at_first, [], 2)) == []
    assert not multiprocessing.active_children()


def test_things_and_answers_larger_than_a_pipe_go_through():
    assert [len(each) for each in in_order(large, [bytes(LARGE)] * 5, 2)] == [LARGE] * 5


def test_not_more_is_taken_than_is_wanted():
    taken = []
    todo = (taken.append(number) or number for number in range(100))
    with closing(in_order(slow_at_first, todo, 2)) as results:
        next(results)
        assert len(taken) <= 5


def test_a_process_that_is_killed_in_the_midst_of_an_answer_is_noticed():
    with closing(in_order(large, range(100), 2)) as results:
        next(results)
        time.sleep(0.5)  # now both write: nobody reads meanwhile
        multiprocessing.active_children()[0].kill()
        with pytest.raises((EOFError, OSError)):
            list(results)
    assert not multiprocessing.active_children()


def test_a_process_that_cannot_begin_is_noticed():
    with pytest.raises((EOFError, OSError)):
        list(in_order(partial(exiting, 3), range(3), 2))
