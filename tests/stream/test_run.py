"""The worker as a process on a real broker: what it says of itself, what it finds, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from stream.county import drawn
from stream.report import Report
from stream.settings import Settings
from stream.simulate.sinks import run_to_files, run_to_kafka
from stream.tail import Body, follow

ROOT = Path(__file__).parents[2]
HOUR_MS = 3_600_000

pytestmark = pytest.mark.kafka


@contextmanager
def worker(kafka: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a worker on the feed clock with four partitions; gives the process and the address of its health server."""
    environment = {
        **os.environ,
        "VIGIL_KAFKA_BOOTSTRAP": kafka,
        "VIGIL_CLOCK": "feed",
        "VIGIL_PARTITIONS": "4",
        "VIGIL_HTTP_PORT": "0",
        "VIGIL_GROUP": "run-test",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "stream.cli", "run"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        while not (ports := [line["port"] for line in _lines(log) if line["event"] == "health listens"]):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield process, f"http://127.0.0.1:{ports[0]}"
    finally:
        process.kill()
        process.wait()


def _lines(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"{address}/ready", timeout=5) as answer:  # noqa: S310  # our own loopback
            return bool(json.load(answer)["ok"])
    except HTTPError as error:
        return bool(json.load(error)["ok"])


def _found(bodies: list[Body]) -> set[tuple[str, ...]]:
    last: dict[str, Body] = {}
    for body in bodies:
        last[body["episode_id"]] = body
    return {
        (body["supervisee"], body["rule"], body["evidence"]["kind"], body["since"], str(body["until"]))
        for body in last.values()
        if body["phase"] != "retracted"
    }


def test_live_run_equals_the_replay(kafka: str, fresh_topics: Callable[..., None], tmp_path: Path) -> None:
    """The episodes of a worker on Kafka are those of `vigil replay` over the same feed; then it ends when told to."""
    fresh_topics(partitions=4)
    feed = drawn(25, 2, datetime(2026, 3, 2), 7, [10.0], 0.7, 2)  # noqa: DTZ001  # a day
    run_to_files(feed, tmp_path / "feed", lambda *_: None)
    report = Report(Settings(), ROOT / "deploy" / "rules.toml")
    report.run([tmp_path / "feed"], feed.end_ms + 6 * HOUR_MS, lambda: None)
    replayed = [json.loads(line) for line in report.alerts()]

    with worker(kafka, tmp_path / "log") as (process, address):
        while not _is_ready(address):
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.2)
        run_to_kafka(feed, kafka, lambda *_: None, after_ms=6 * HOUR_MS)
        live = list(follow(kafka, None, from_beginning=True, until_idle_s=5))
        with urlopen(f"{address}/metrics", timeout=5) as answer:  # noqa: S310  # our own loopback
            metrics = answer.read().decode()
        process.send_signal(signal.SIGTERM)

        assert 0 == process.wait(timeout=20)

    assert len(_found(replayed)) > 10
    assert _found(replayed) == _found(live)
    assert f"vigil_pings_accepted_total {float(len(feed))}" in metrics
    assert "lz-0" not in metrics
    assert "lz-0" not in (tmp_path / "log").read_text(encoding="utf-8")
