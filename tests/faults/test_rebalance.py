"""Partitions that move while they are loaded, worked on and written."""

import random
import time

import pytest

from tests.faults.conftest import NewRun

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]


def test_storm(new_run: NewRun) -> None:
    """Expected: zeros where one of three workers comes or goes each few seconds, by SIGTERM or SIGKILL."""
    draw = random.Random(201)
    with new_run(seed=201, people=150, hours=48, partitions=6) as run:
        for name in "abc":
            run.start(name)
        run.feeder.start(pace_s=0.25)
        for _ in range(16):
            time.sleep(draw.uniform(2, 6))
            name = draw.choice("abc")
            if name not in run.processes:
                run.start(name)
            elif len(run.processes) > 1:
                draw.choice((run.kill, run.terminate))(name)
        assert run.feeder.share() < 1
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert not run.evidence().parted()
        assert run.evidence().replayed() > 0
        assert run.evidence().count("revoked") > 3


def test_during_loads(new_run: NewRun) -> None:
    """Expected: zeros where each load takes seconds, and workers join while the others load."""
    with new_run(seed=202, people=100, hours=20, partitions=6) as run:
        run.feeder.start(pace_s=0.15)
        for name in "abc":
            run.start(name, load_s=2)
            time.sleep(4)
        for name in "ab":
            run.terminate(name)
            time.sleep(3)
            run.start(name, load_s=2)
        verdict = run.finish()
        given_up = run.evidence().count("given up")
        assert verdict.clean, verdict.reasons()
        assert given_up > 0


def test_during_flushes(new_run: NewRun) -> None:
    """Expected: zeros where each transaction takes half a second, so that every rebalance meets some of them."""
    with new_run(seed=203, people=100, hours=20, partitions=6) as run:
        run.start("a", step="sent", deed="pause", after=0)
        run.until_loaded()
        run.feeder.start(pace_s=0.2)
        for name in "bc":
            time.sleep(5)
            run.start(name, step="sent", deed="pause", after=0)
        time.sleep(6)
        run.terminate("a")
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().count("struck") > 20
        assert run.evidence().count("revoked") > 0
