"""The pace against a simulated server: slots, a queue, and a time of work that may depend on how many are worked on."""

import heapq
import math

import pytest

from local_grader.judging.pace import MOST, Pace


class Server:
    """Discrete time: what is sent waits for one of ``slots``, is worked on for ``work_s``, and comes back ``extra_s`` later."""

    def __init__(self, slots, work_s=1.0, extra_s=0.0, slowdown=0.0):
        self.slots, self.work_s, self.extra_s, self.slowdown = slots, work_s, extra_s, slowdown
        self.free = [0.0] * slots
        self.busy_s = 0.0
        self.now = 0.0
        self.flying = []

    def send(self):
        start = max(self.now, heapq.heappop(self.free))
        sharing = sum(1 for end, *_ in self.flying if end - self.extra_s > start)
        work = self.work_s * (1 + self.slowdown * min(sharing, self.slots - 1))
        heapq.heappush(self.free, start + work)
        self.busy_s += work
        heapq.heappush(self.flying, (start + work + self.extra_s, self.now, work))

    def next(self):
        end, sent, work = heapq.heappop(self.flying)
        self.now = end
        return end - sent, work


def live(pace, server, samples, says_work=True):
    sent = 0
    limits = []
    while sent < samples or server.flying:
        while sent < samples and len(server.flying) < pace.limit:
            server.send()
            sent += 1
        wall, work = server.next()
        pace.seen(wall, work if says_work else None)
        limits.append(pace.limit)
    return limits


@pytest.mark.parametrize("says_work", [True, False])
@pytest.mark.parametrize("slots", [1, 2, 3, 4, 8, 16])
def test_the_pace_finds_the_slots_and_keeps_them_busy(slots, says_work):
    pace, server = Pace(), Server(slots)
    limits = live(pace, server, 500 * slots, says_work)
    assert slots < limits[-1] <= slots + math.ceil(slots / 2) + 1
    assert server.busy_s / (server.now * slots) > 0.95


def test_a_short_time_on_the_way_does_not_hide_slots():
    server = Server(4, work_s=0.010, extra_s=0.002)
    assert live(Pace(), server, 3000)[-1] > 4


def test_slots_that_share_one_processor_are_used_all_the_same():
    server = Server(4, slowdown=0.3)
    assert live(Pace(), server, 1000)[-1] > 4


def test_the_first_request_goes_alone():
    assert Pace().limit == 1


def test_a_server_that_is_too_busy_gets_less_and_is_not_pressed_again():
    pace = Pace()
    live(pace, Server(16), 500)
    before = pace.limit
    pace.busy()
    assert pace.limit == before // 2
    live(pace, Server(64), 2000)
    assert pace.limit <= before // 2


def test_known_slots_are_believed():
    pace = Pace(slots=4)
    live(pace, Server(1), 100)
    assert pace.limit == 6


def test_there_is_an_end_to_it():
    pace = Pace()
    assert max(live(pace, Server(500), 5000)) == MOST


def test_after_a_crash_requests_go_one_by_one():
    pace = Pace()
    live(pace, Server(8), 500)
    pace.alone()
    assert pace.limit == 1


def test_after_a_crash_known_slots_are_used_again_when_some_went_well():
    pace = Pace(slots=4)
    pace.alone()
    assert pace.limit == 1
    assert live(pace, Server(4), 40)[-1] == 6


def test_refusals_of_one_moment_count_once():
    pace = Pace(8)
    sent = pace.limit
    for _ in range(sent):
        pace.busy()
    assert pace.limit == sent // 2
    pace.busy()
    assert pace.limit == sent // 4
