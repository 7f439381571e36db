"""Topics that are not what they were: cut short, made anew, or full of markers. Nothing is skipped in silence."""

import signal

import pytest
from kafka import KafkaAdminClient

from schemas.topics import CHANGELOG, PINGS
from stream.transactions import EXIT_POISONED
from tests.faults.conftest import NewRun
from tests.faults.driver import Run
from tests.faults.log import committed
from tests.faults.operations import configure, cut, recreate, skip

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def half_read(run: Run) -> None:
    """Send half of the county, read it, and end in order."""
    run.start("a")
    run.feeder.start(pace_s=0.02, upto=0.5)
    run.until_fed(0.5)
    run.until_read()
    run.terminate("a")


def committed_pings(run: Run) -> dict[int, int]:
    """Give the group's offsets in the pings topic."""
    return {number: at for (topic, number), at in committed(run.admin, run.group).items() if topic == PINGS}


def refused(run: Run, *words: str) -> None:
    """Start a worker, which must end by itself, name the cause, and commit nothing."""
    before = committed(run.admin, run.group)
    run.start("a")
    assert run.ended("a") == EXIT_POISONED
    assert all(word in run.log("a") for word in words), run.log("a")
    assert committed(run.admin, run.group) == before
    run.forget()


def test_markers_and_holes(new_run: NewRun) -> None:
    """Expected: zeros where the input has aborted transactions, the very first records among them, and a kill."""
    with new_run(seed=401, people=80, hours=14, partitions=4) as run:
        run.start("a", step="sent", upon_signal=True, after=0)
        run.feeder.start(pace_s=0.1, transactional="carrier")
        run.until_fed(0.5)
        run.processes["a"].send_signal(signal.SIGUSR1)
        assert run.ended("a") == -signal.SIGKILL, run.log("a")
        run.start("a")
        verdict = run.finish()
        assert verdict.clean, verdict.reasons()
        assert run.evidence().replayed() > 0


def test_retention_past_the_position_of_an_ended_worker(new_run: NewRun) -> None:
    """Expected: the worker says what is gone and ends; it goes on once the group's offsets were set past it."""
    with new_run(seed=402, people=60, hours=12, partitions=4) as run:
        half_read(run)
        run.feeder.start(pace_s=0, upto=0.8)
        run.until_fed(0.8)
        cut(run, PINGS)
        refused(run, "gone unread", "reset-offsets", "records skipped", '"by": "retention"')
        skip(run, PINGS)
        run.start("a")
        run.feeder.start(pace_s=0)
        run.until_fed(1)
        run.until_read()
        assert '"by": "operator"' in run.log("a")
        assert run.evidence().of("a")[-1].pings() > 0


def test_retention_past_the_position_of_a_living_worker(new_run: NewRun) -> None:
    """Expected: who stood still while records went away says so, and ends."""
    with new_run(seed=403, people=60, hours=12, partitions=4) as run:
        run.start("a")
        run.feeder.start(pace_s=0.05, upto=0.3)
        run.until_fed(0.3)
        run.until_read()
        run.stop("a")
        run.feeder.start(pace_s=0, upto=0.8)
        run.until_fed(0.8)
        before = committed_pings(run)
        cut(run, PINGS)
        run.wake("a")
        assert run.ended("a") == EXIT_POISONED
        assert "gone unread" in run.log("a"), run.log("a")
        assert '"by": "retention"' in run.log("a"), run.log("a")
        assert committed_pings(run) == before


def test_recreated_topic(new_run: NewRun) -> None:
    """Expected: a source topic that was deleted and made again is told by its id, and refused."""
    with new_run(seed=404, people=60, hours=12, partitions=4) as run:
        half_read(run)
        recreate(run, PINGS)
        refused(run, PINGS, "deleted and created again")


@pytest.mark.parametrize("share", [0.5, 1])
def test_truncated_changelog(new_run: NewRun, admin: KafkaAdminClient, share: float) -> None:
    """Expected: a changelog that lost some or all of its records is refused, never an empty start."""
    with new_run(seed=405, people=60, hours=12, partitions=4) as run:
        half_read(run)
        configure(admin, CHANGELOG, {"cleanup.policy": "compact,delete"})
        cut(run, CHANGELOG, share)
        refused(run, CHANGELOG, "rows" if share < 1 else "is empty")
