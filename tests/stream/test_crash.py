"""A worker that dies, hangs or is replaced leaves nothing lost, nothing doubled and no row that is wrong."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from schemas.topics import ORDERS, PINGS
from stream.transactions import EXIT_POISONED
from tests.conftest import FreshTopics
from tests.stream.counting_worker import STEPS
from tests.stream.workers import Verdict, committed, in_loop, orders, pings, send, start, until_read, verdict

pytestmark = pytest.mark.kafka
CLEAN = Verdict(rows=0, missing=0, extra=0, doubled=0)
SUPERVISEES = 50
EACH_RUN = 4_000


async def feed(kafka: str, worker: subprocess.Popen[bytes]) -> None:
    """Send pings bit by bit until the worker has ended."""
    while worker.poll() is None:
        await send(kafka, PINGS, pings(200, SUPERVISEES))
        await asyncio.sleep(0.05)


@in_loop
async def test_killed_at_every_step(kafka: str, fresh_topics: FreshTopics, tmp_path: Path) -> None:
    """Expected: all zeros after a SIGKILL before each step of a transaction, and right after one."""
    fresh_topics()
    group, log = "killed-at-every-step", tmp_path / "log"
    await send(kafka, ORDERS, orders(SUPERVISEES))
    for step in (*STEPS, "after"):
        worker = start(kafka, group, log, step)
        await asyncio.wait_for(feed(kafka, worker), 40)
        assert -signal.SIGKILL == worker.returncode, log.read_text()
    worker = start(kafka, group, log)
    await until_read(kafka, group)
    worker.terminate()
    assert worker.wait(20) == 0, log.read_text()
    assert CLEAN == await verdict(kafka, group)


@in_loop
async def test_rows_before_alerts_loses_alerts(kafka: str, fresh_topics: FreshTopics, tmp_path: Path) -> None:
    """Expected: alerts missing, for a worker that commits its rows first: the verdict can fail."""
    fresh_topics()
    group, log = "rows-before-alerts", tmp_path / "log"
    await send(kafka, ORDERS, orders(SUPERVISEES))
    worker = start(kafka, group, log, "between")
    await asyncio.wait_for(feed(kafka, worker), 40)
    assert -signal.SIGKILL == worker.returncode, log.read_text()
    worker = start(kafka, group, log)
    await until_read(kafka, group)
    worker.terminate()
    assert worker.wait(20) == 0, log.read_text()
    assert 0 < (await verdict(kafka, group)).missing


@in_loop
async def test_stopped_past_the_session_timeout(kafka: str, fresh_topics: FreshTopics, tmp_path: Path) -> None:
    """Expected: who wakes after its partitions were given away is fenced and ends; all zeros."""
    fresh_topics()
    group, log = "stopped", tmp_path / "log"
    await send(kafka, ORDERS, orders(SUPERVISEES))
    sleeper = start(kafka, group, log)
    await send(kafka, PINGS, pings(EACH_RUN, SUPERVISEES))
    await until_read(kafka, group)
    await send(kafka, PINGS, pings(200, SUPERVISEES))
    os.kill(sleeper.pid, signal.SIGSTOP)
    heir = start(kafka, group, tmp_path / "heir")
    await send(kafka, PINGS, pings(EACH_RUN, SUPERVISEES))
    await until_read(kafka, group)
    os.kill(sleeper.pid, signal.SIGCONT)
    await send(kafka, PINGS, pings(EACH_RUN, SUPERVISEES))
    await until_read(kafka, group)
    sleeper.terminate()
    heir.terminate()
    assert sleeper.wait(20) in {0, EXIT_POISONED}, log.read_text()
    assert heir.wait(20) == 0, (tmp_path / "heir").read_text()
    assert CLEAN == await verdict(kafka, group)


@in_loop
async def test_rolling_restart(kafka: str, fresh_topics: FreshTopics, tmp_path: Path) -> None:
    """Expected: a second worker takes its share, the first ends on SIGTERM with 0, and all zeros."""
    fresh_topics()
    group, first_log, second_log = "rolling", tmp_path / "first", tmp_path / "second"
    await send(kafka, ORDERS, orders(SUPERVISEES))
    first = start(kafka, group, first_log)
    await send(kafka, PINGS, pings(EACH_RUN, SUPERVISEES))
    await until_read(kafka, group)
    second = start(kafka, group, second_log)
    for _ in range(20):
        await send(kafka, PINGS, pings(200, SUPERVISEES))
        await asyncio.sleep(0.1)
    first.terminate()
    assert first.wait(20) == 0, first_log.read_text()
    await send(kafka, PINGS, pings(EACH_RUN, SUPERVISEES))
    await until_read(kafka, group)
    second.terminate()
    assert second.wait(20) == 0, second_log.read_text()
    assert sum((await committed(kafka, group)).values()) == 3 * EACH_RUN
    assert CLEAN == await verdict(kafka, group)
