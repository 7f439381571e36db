"""Workers that die or hang, again and again, at times that a seed chooses; the long size."""

import random
import signal
import time

import pytest
from kafka import KafkaAdminClient

from schemas.topics import CHANGELOG
from stream.transactions import EXIT_POISONED
from tests.faults.conftest import NewRun
from tests.faults.driver import SESSION_S
from tests.faults.operations import configure, stored

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]


def test_twenty_kills(new_run: NewRun) -> None:
    """Expected: zeros after 20 SIGKILLs of two workers, loads and flushes among what they hit."""
    draw = random.Random(101)
    with new_run(seed=101, people=150, hours=60, partitions=6) as run:
        for name in "ab":
            run.start(name)
        run.feeder.start(pace_s=0.3)
        for _ in range(20):
            time.sleep(draw.uniform(2, 9))
            name = draw.choice("ab")
            run.kill(name)
            run.start(name)
        assert run.feeder.share() < 1
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert not run.evidence().parted()
        assert run.evidence().replayed() > 0


def test_ten_orderly_ends(new_run: NewRun) -> None:
    """Expected: zeros after 10 SIGTERMs; each exit is 0, and nothing has to be read twice."""
    draw = random.Random(102)
    with new_run(seed=102, people=150, hours=30, partitions=6) as run:
        for name in "ab":
            run.start(name)
        run.until_loaded()
        run.feeder.start(pace_s=0.25)
        for _ in range(10):
            time.sleep(draw.uniform(3, 7))
            name = draw.choice("ab")
            run.terminate(name)
            run.start(name)
        assert run.feeder.share() < 1
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().count("revoked") >= 10
        assert run.evidence().replayed() == 0


def test_stopped_at_any_time(new_run: NewRun) -> None:
    """Expected: zeros after each of two workers was stopped past its session timeout and woken, three times in all."""
    draw = random.Random(103)
    with new_run(seed=103, people=150, hours=40, partitions=6) as run:
        for name in "ab":
            run.start(name)
        run.until_loaded()
        run.feeder.start(pace_s=0.3)
        for name in "aba":
            time.sleep(draw.uniform(3, 6))
            run.stop(name)
            run.until_moved(name, time.time())
            time.sleep(draw.uniform(0, SESSION_S))
            run.wake(name)
            time.sleep(SESSION_S)
            if run.has_ended(name):
                assert run.ended(name) == EXIT_POISONED
                run.start(name)
        assert run.feeder.share() < 1
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().count("poisoned") == run.evidence().count("poisoned", "Fenced")


def test_woken_among_people_who_fell_silent(new_run: NewRun, admin: KafkaAdminClient) -> None:
    """
    Expected: zeros where the sleeper holds a transaction with the last pings that its people ever send.

    Its heir has written their rows and the changelog was compacted before it wakes: no later row could mend an older.
    """
    with new_run(seed=104, people=80, hours=14, partitions=4) as run:
        configure(admin, CHANGELOG, {"segment.ms": "1000", "min.cleanable.dirty.ratio": "1"})
        run.start("a", step="sent", deed="stop", after=0, upon_signal=True)
        run.until_loaded()
        run.feeder.start(pace_s=0.02, upto=0.9)
        run.until_fed(0.9)
        run.until_read()
        run.processes["a"].send_signal(signal.SIGUSR1)
        run.feeder.start(pace_s=0)
        run.until_struck("a")
        run.start("b")
        run.until_moved("a", time.time())
        run.until_fed(1)
        run.until_read()
        before = stored(run, CHANGELOG)
        configure(admin, CHANGELOG, {"min.cleanable.dirty.ratio": "0.001", "max.compaction.lag.ms": "1000"})
        run.until(lambda: stored(run, CHANGELOG) < before, "compacted")
        run.wake("a")
        assert run.ended("a") == EXIT_POISONED
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().count("poisoned", "Fenced") > 0


def test_failed_flush_and_an_orderly_end(new_run: NewRun) -> None:
    """Expected: zeros where a flush fails, and the worker does not end at once but is told to end in order."""
    with new_run(seed=105, people=80, hours=14, partitions=4) as run:
        run.feeder.start(pace_s=0.05)
        for step in ("rows", "sent", "offsets"):
            run.start("a", step=step, deed="raise", after=2, orderly=True)
            run.ended("a")
            run.forget()
        run.start("a")
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().count("struck") == 3
        assert run.evidence().replayed() > 0


def test_rule_that_fails_among_three(new_run: NewRun) -> None:
    """Expected: zeros where a rule fails on one of three workers, and the other two take its share."""
    with new_run(seed=106, people=100, hours=16, partitions=6) as run:
        for name in "bc":
            run.start(name)
        run.start("a", step="rule", deed="raise", after=200)
        run.feeder.start(pace_s=0.1)
        assert run.ended("a") == EXIT_POISONED
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().count("struck") == 1
        assert all(run.evidence().pings(name) > 0 for name in "abc")
