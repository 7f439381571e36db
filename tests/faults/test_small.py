"""Workers that die, hang and break in the middle of their work; the size that runs with every `make test`."""

import signal
import time

import pytest

from stream.transactions import EXIT_POISONED
from tests.faults.conftest import NewRun
from tests.faults.failpoints import STEPS

pytestmark = pytest.mark.kafka
WORKERS = ("a", "b", "c")


def test_three_workers_killed_and_stopped(new_run: NewRun) -> None:
    """Expected: zeros after three SIGKILLs and a worker stopped in a transaction past its session timeout."""
    with new_run(seed=41, people=150, hours=20, partitions=6) as run:
        for name in WORKERS:
            run.start(name)
        run.until_loaded()
        run.feeder.start(pace_s=0.12)
        for turn, name in enumerate(WORKERS):
            run.until_fed(0.1 + turn * 0.15)
            run.kill(name)
            run.start(name, **({"step": "sent", "deed": "stop", "after": 8} if name == "c" else {}))
        run.until_struck("c")
        run.until_moved("c", time.time())
        run.wake("c")
        verdict = run.finish()
        evidence = run.evidence()
        assert verdict.clean, verdict.reasons()
        assert not evidence.parted()
        assert evidence.replayed() > 0
        assert evidence.count("poisoned", "Fenced") > 0
        assert evidence.count("revoked") > 0
        assert all(evidence.pings(name) > 0 for name in WORKERS)


def test_killed_at_each_step_of_a_flush(new_run: NewRun) -> None:
    """Expected: zeros after a kill at each step, and after a rule that fails, whose worker ends by itself."""
    with new_run(seed=42, people=80, hours=30, partitions=4) as run:
        run.feeder.start(pace_s=0.08)
        run.start("a", step="rule", deed="raise", after=40)
        assert run.ended("a") == EXIT_POISONED, run.log("a")
        run.forget()
        for step in STEPS:
            run.start("a", step=step, deed="kill", after=2)
            assert run.ended("a") == -signal.SIGKILL, run.log("a")
            run.forget()
        run.start("a")
        verdict = run.finish()
        evidence = run.evidence()
        assert verdict.clean, verdict.reasons()
        assert len(STEPS) + 1 == evidence.count("struck")
        assert evidence.replayed() > 0


def test_guard_of_the_offsets_is_needed(new_run: NewRun) -> None:
    """Expected: damage where offsets are committed by themselves, and a kill comes between."""
    with new_run(seed=43, people=60, hours=12, partitions=4) as run:
        run.feeder.start(pace_s=0.03)
        run.start("a", step="alerts", deed="kill", after=2, off=("offsets",))
        assert run.ended("a") == -signal.SIGKILL, run.log("a")
        run.forget()
        run.start("a")
        verdict = run.finish()
        assert verdict.damage > 0, verdict.reasons()


def test_guard_of_the_poison_is_needed(new_run: NewRun) -> None:
    """Expected: damage where a worker goes on after a rule has failed."""
    with new_run(seed=44, people=60, hours=12, partitions=4) as run:
        run.feeder.start(pace_s=0.03)
        run.start("a", step="rule", deed="raise", after=40, off=("poison",))
        verdict = run.finish()
        assert run.evidence().count("struck") == 1
        assert verdict.damage > 0, verdict.reasons()
