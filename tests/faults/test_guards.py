"""
Each guard of the delivery switched off: the verifier must see what it guards against, else a zero proves nothing.

The same faults with the guard on are zeros: here for the guards that need a fault of their own, elsewhere for the rest.
"""

import signal
import time

import pytest

from stream.transactions import EXIT_POISONED
from tests.faults.conftest import NewRun
from tests.faults.driver import Run
from tests.faults.failpoints import Guard, Step
from tests.faults.verifier import Verdict

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_one_transaction(new_run: NewRun) -> None:
    """Expected: damage with a plain producer, where a kill comes among the alerts."""
    with new_run(seed=301, people=60, hours=12, partitions=4) as run:
        run.feeder.start(pace_s=0.05)
        run.start("a", step="alerts", deed="kill", after=2, off=("transaction",))
        assert run.ended("a") == -signal.SIGKILL
        run.forget()
        run.start("a", off=("transaction",))
        verdict = run.finish()
        assert verdict.damage > 0, verdict.reasons()


def test_half_of_the_rows(new_run: NewRun) -> None:
    """Expected: with a plain producer and a kill among the rows, the load refuses them, or the verifier sees damage."""
    with new_run(seed=301, people=60, hours=12, partitions=4) as run:
        run.feeder.start(pace_s=0.05)
        run.start("a", step="rows", deed="kill", after=2, off=("transaction",))
        assert run.ended("a") == -signal.SIGKILL
        run.forget()
        run.start("a", off=("transaction",))
        run.may_end.add("a")
        run.until(lambda: run.evidence().count("placed") == 8 or run.has_ended("a"), "loaded or refused")
        if run.has_ended("a"):
            assert "header" in run.log("a"), run.log("a")
            assert any("header" in what for what in run.verdict().state_mismatch)
        else:
            verdict = run.finish()
            assert verdict.damage > 0, verdict.reasons()


def woken_at_the_end(run: Run, off: tuple[Guard, ...]) -> Verdict:
    """Stop a worker in a transaction until its heir has done all there is, then wake it, and judge."""
    run.start("a", step="sent", deed="stop", after=2, off=off)
    run.until_loaded()
    run.feeder.start(pace_s=0.02)
    run.until_struck("a")
    run.forget()
    run.start("b", off=off)
    run.until_done()
    run.wake("a")
    time.sleep(3)
    for name in "ab":
        run.processes[name].kill()
    return run.verdict()


def test_one_producer_id_for_each_partition(new_run: NewRun) -> None:
    """Expected: damage where a former owner is not fenced; zeros where it is."""
    with new_run(seed=302, people=60, hours=12, partitions=4) as run:
        fenced = woken_at_the_end(run, off=())
        assert fenced.clean, fenced.reasons()
        assert run.evidence().count("poisoned", "Fenced") > 0
    with new_run(seed=302, people=60, hours=12, partitions=4) as run:
        unfenced = woken_at_the_end(run, off=("fencing",))
        assert unfenced.damage > 0, unfenced.reasons()


@pytest.mark.parametrize("step", ["rows", "sent"])
def test_poison(new_run: NewRun, step: Step) -> None:
    """Expected: damage where a worker gives up a transaction that failed, and goes on with the next."""
    with new_run(seed=303, people=60, hours=12, partitions=4) as run:
        run.feeder.start(pace_s=0.05)
        run.start("a", step=step, deed="raise", after=2, off=("poison",))
        verdict = run.finish()
        assert verdict.damage > 0, verdict.reasons()
        assert run.evidence().count("struck") == 1


def lossy(run: Run, off: tuple[Guard, ...]) -> Verdict:
    """Lose five of the polls that bring pings."""
    run.start("a", drop=5, off=off)
    run.feeder.start(pace_s=0.05)
    verdict = run.finish()
    assert run.evidence().count("struck") == 5
    return verdict


def test_continuity(new_run: NewRun) -> None:
    """Expected: damage where a poll that was lost goes unnoticed; zeros where it is noticed."""
    with new_run(seed=304, people=60, hours=12, partitions=4) as run:
        noticed = lossy(run, off=())
        assert noticed.clean, noticed.reasons()
    with new_run(seed=304, people=60, hours=12, partitions=4) as run:
        unnoticed = lossy(run, off=("continuity",))
        assert unnoticed.damage > 0, unnoticed.reasons()


def overtaken(run: Run, off: tuple[Guard, ...]) -> None:
    """Let half of the partitions move on while their load is still under way."""
    run.feeder.start(pace_s=0.1)
    run.start("a", load_s=8, off=off)
    run.until(lambda: run.evidence().count("assigned") > 0, "assigned")
    run.start("b")
    run.may_end |= {"a", "b"}
    run.until(lambda: run.evidence().pings("b") > 0, "b at work")
    time.sleep(15)


def test_generation(new_run: NewRun) -> None:
    """Expected: a load that outlives its assignment fences the rightful owner, who ends; with the check nobody does."""
    with new_run(seed=305, people=60, hours=20, partitions=4) as run:
        overtaken(run, off=())
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().count("poisoned") == 0
    with new_run(seed=305, people=60, hours=20, partitions=4) as run:
        overtaken(run, off=("generation",))
        assert run.ended("b") == EXIT_POISONED
        assert run.evidence().count("poisoned", "Fenced") > 0
