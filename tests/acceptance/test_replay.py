"""A county on two partitions and two workers, with late pings and duplicates: live and replayed, the same episodes."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from stream.simulate import County, Feed, run_to_files
from stream.simulate.feed import SentPing
from stream.simulate.lives import DAY
from tests.acceptance.conftest import Installing
from tests.acceptance.installation import Installation
from tests.acceptance.processes import ROOT
from tests.acceptance.sender import HOUR, Given, clocks, ordered, told
from tests.acceptance.subscriber import Body, Episode, standing
from tests.factories import at

PARTITIONS = 2
LATE, DUPLICATE, REFUSED = 0.03, 0.03, 5
LATEST_MS = 5 * HOUR
CLOCK_EVERY_MS = HOUR // 2

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


class Runs(NamedTuple):
    """The same records, live and replayed."""

    live: list[Body]
    replayed: list[Body]
    accepted: list[int]
    late: int
    duplicate: int
    refused: list[str]
    replay_refused: list[str]
    summary: str
    pings: int


def shuffled(feed: Feed) -> list[SentPing]:
    """Give the pings in the order of their arrival: some hours late, some twice, a few too late or of the future."""
    rng, arriving = Random(5), []
    for ping in feed.pings():
        late = rng.random() < LATE
        arriving.append((ping.time_ms + (rng.randrange(1, LATEST_MS) if late else 0), ping))
        if rng.random() < DUPLICATE:
            arriving.append((ping.time_ms + rng.randrange(LATEST_MS), ping))
    for ping in islice(feed.pings(), 5_000, 5_000 + REFUSED):
        for time_ms in (ping.time_ms - 9 * HOUR, ping.time_ms + 32 * DAY):
            value = ping.value.replace(b"%d" % ping.time_ms, b"%d" % time_ms)
            arriving.append((ping.time_ms, ping._replace(value=value)))
    return [ping for _, ping in sorted(arriving, key=lambda one: one[0])]


def live(vigil: Installation, feed: Feed, records: list[Given]) -> list[int]:
    """Run two workers over the records; gives how many pings each accepted."""
    for _ in range(2):
        vigil.start()
    for worker in vigil.workers:
        worker.ready()
    vigil.send(ordered(feed))
    vigil.send(records)
    vigil.settle(feed.end_ms)
    return [round(worker.metrics()["vigil_pings_accepted_total", ()]) for worker in vigil.workers]


def replay(folder: Path, feed: Feed, records: list[Given]) -> tuple[list[Body], list[str], str]:
    """Let `vigil replay` run over the same records in files; gives alerts, refusals, and its summary."""
    run_to_files(feed, folder, lambda *_: None)
    # A clock record goes to every partition, and stands once in a file.
    lines = [r.value or b"" for r in [*records, *clocks(1, feed.end_ms)] if r.partition in {None, 0}]
    (folder / "pings.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    process = subprocess.run(
        [sys.executable, "-m", "stream.cli", "replay", folder, "--json", "--refused", folder / "refused"],
        cwd=ROOT,
        env={**kept, "VIGIL_PARTITIONS": str(PARTITIONS)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    refused = [json.loads(line) for line in (folder / "refused").read_text(encoding="utf-8").splitlines()]
    alerts = [json.loads(line) for line in process.stdout.splitlines()]
    return alerts, [one["reason"] for one in refused], process.stderr


@pytest.fixture(scope="module")
def runs(installing: Installing, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Sixty people over three days, both ways."""
    start_ms = at("2026-03-02 00:00")
    feed = County(people=60, seed=33, start_ms=start_ms, days=3, interval_min=(5.0, 15.0), offenders=0.4).feed()
    pings = shuffled(feed)
    records = list(told(pings, PARTITIONS, CLOCK_EVERY_MS))
    alerts, refused, summary = replay(tmp_path_factory.mktemp("files"), feed, records)
    with installing("replay", PARTITIONS) as vigil:
        accepted = live(vigil, feed, records)
        late, duplicate = vigil.total("vigil_pings_late_total"), vigil.total("vigil_pings_duplicate_total")
        letters = [letter.header("vigil-reason") for letter in vigil.dead_letters()]
        return Runs(vigil.events(), alerts, accepted, late, duplicate, letters, refused, summary, len(pings))


def result(bodies: list[Body]) -> set[Episode]:
    """Give what stands: person, rule, class, severity, reason, both ends and the id."""
    return set(standing(bodies))


def test_the_same_episodes(runs: Runs) -> None:
    """
    Id, class, since, until and severity of all that is not retracted are the same, late pings among the input.

    Whether something was retracted on the way depends on how the live run was cut.
    """
    assert result(runs.replayed) == result(runs.live)
    assert len(result(runs.live)) > 20
    assert {"gap", "curfew"} == {episode.rule for episode in result(runs.live)}
    assert {"opened", "updated", "closed"} <= {body["phase"] for body in runs.live}
    assert runs.late > 0


def test_the_same_refusals(runs: Runs) -> None:
    """What one refuses the other does, for the same reason, and each ping is accepted or refused."""
    assert Counter(future=REFUSED, too_late=REFUSED) == Counter(runs.refused) == Counter(runs.replay_refused)
    assert runs.pings - 2 * REFUSED == sum(runs.accepted)
    assert f"pings: {runs.pings - 2 * REFUSED} accepted" in runs.summary


def test_both_workers_worked(runs: Runs) -> None:
    """Each had one of the partitions, and pings came late and twice."""
    assert min(runs.accepted) > 1000
    assert min(runs.late, runs.duplicate) > 100
