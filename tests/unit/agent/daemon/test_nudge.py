"""A word from a command reaches the agent of its own project, and nobody else's."""

import threading

from agent.daemon.nudge import listening, nudge


def test_word_reaches_the_agent_of_its_project_alone() -> None:
    heard = threading.Semaphore(0)
    with listening("plates", heard.release) as port:
        assert port
        nudge(port, "another")
        nudge(port, "plates")
        assert heard.acquire(timeout=60)
        nudge(port, "plates")
        assert heard.acquire(timeout=60)
    assert not heard.acquire(blocking=False)


def test_word_to_nobody_is_lost_in_silence() -> None:
    with listening("plates", lambda: None) as port:
        pass
    nudge(port, "plates")
    nudge(0, "plates")
