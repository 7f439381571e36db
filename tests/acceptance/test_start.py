"""A worker that cannot work says why and ends, or says what it waits for; a stack trace is no answer."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from schemas.topics import CHANGELOG, CHECKINS
from stream.transactions import EXIT_POISONED, HEADER_KEY, LAYOUT
from tests.acceptance.conftest import Installing
from tests.acceptance.installation import Installation
from tests.acceptance.processes import Worker, until
from tests.acceptance.sender import Given

MISCONFIGURED = 2
NOWHERE = "127.0.0.1:1"
BOWTIE = """{"type": "FeatureCollection", "features": [{"type": "Feature",
"properties": {"kind": "area", "adcode": "450202", "name": "nowhere"},
"geometry": {"type": "Polygon", "coordinates": [[[109, 24], [110, 25], [110, 24], [109, 25], [109, 24]]]}}]}"""

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def vigil(installing: Installing) -> Iterator[Installation]:
    """Four partitions, no worker."""
    with installing("start", partitions=4) as vigil:
        yield vigil


def refused(vigil: Installation, **variables: str | float | Path) -> str:
    """Start a worker that must not start; gives its one line on standard error."""
    worker = vigil.start(**variables)
    vigil.workers.remove(worker)
    assert MISCONFIGURED == worker.ended(), worker.text
    assert "Traceback" not in worker.text
    (line,) = (line for line in worker.text.splitlines() if not line.startswith("{"))
    return line


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ("revision = 1\n[tiers.general.gap]\ngap_minutes = 120\n", "tiers.general.gap.gap_minutes: Extra inputs"),
        ("revision = 1\n[tiers.general.gap]\noverdue_min = 0\n", "tiers.general.gap.overdue_min: Input should be"),
        ("revision = \n", "is not TOML: "),
        (None, "cannot be read: "),
    ],
)
def test_broken_rules_file(vigil: Installation, tmp_path: Path, rules: str | None, why: str) -> None:
    """The path, then the key and what is wrong with it."""
    path = tmp_path / "rules.toml"
    if rules is not None:
        path.write_text(rules, encoding="utf-8")

    assert refused(vigil, rules_file=path).startswith(f"vigil: {path}: {why}")


@pytest.mark.parametrize(
    ("fences", "why"),
    [
        (BOWTIE, "features[0] 450202: geometry: "),
        ('{"type": "FeatureCollection", "features": [', ""),
        (None, ""),
    ],
)
def test_invalid_geojson(vigil: Installation, tmp_path: Path, fences: str | None, why: str) -> None:
    """The path, and the feature where one crosses itself; a fence is never repaired."""
    path = tmp_path / "fences.geojson"
    if fences is not None:
        path.write_text(fences, encoding="utf-8")

    assert refused(vigil, fences_file=path).startswith(f"vigil: {path}: {why}")


def test_wrong_partition_count(vigil: Installation) -> None:
    """Another count than that of the topics would move the keys."""
    assert "has 4 partitions, VIGIL_PARTITIONS is 5" in refused(vigil, partitions=5)


def test_port_in_use(vigil: Installation) -> None:
    """The variable, and both ways out."""
    first = vigil.start(kafka_bootstrap=NOWHERE).listens()
    (port,) = (line["port"] for line in first.lines() if line["event"] == "health listens")
    line = refused(vigil, http_port=port)
    vigil.kill(first)

    assert line.startswith("vigil: VIGIL_HTTP_PORT: cannot listen on ")
    assert "0 for a free one" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_broker_that_is_down(vigil: Installation, number: signal.Signals) -> None:
    """It waits, says for whom in the log and at /ready, and ends when told to, without a stack trace."""
    worker = vigil.start(kafka_bootstrap=NOWHERE)
    until(lambda: '"waiting for Kafka"' in worker.text, lambda: worker.text)
    status, ready = worker.get("/ready")
    vigil.workers.remove(worker)
    worker.process.send_signal(number)
    worker.ended()
    (line, *_) = (line for line in worker.lines() if line["event"] == "waiting for Kafka")

    assert 503 == status
    assert NOWHERE in ready
    assert line["reason"].startswith(f"no Kafka broker answers at {NOWHERE}")
    assert "VIGIL_KAFKA_BOOTSTRAP" in line["reason"]
    assert "Traceback" not in worker.text


def poisoned(vigil: Installation, worker: Worker) -> str:
    """Wait until a worker has ended itself; gives what its last line says."""
    vigil.workers.remove(worker)
    assert EXIT_POISONED == worker.ended(), worker.text
    assert "Traceback" not in worker.text
    last = worker.lines()[-1]
    assert ("worker ends", "critical", "BadState") == (last["event"], last["level"], last["reason"])
    return str(last["detail"])


def header(vigil: Installation, **changes: object) -> bytes:
    """Give what the last transaction of a partition without people said about its rows."""
    body = {"layout": LAYOUT, "group": vigil.group, "rows": 0, "topics": {}, "clock_ms": -1}
    return json.dumps(body | changes).encode()


def test_state_of_an_older_layout(vigil: Installation) -> None:
    """The layout of the topic, and that of the rows, are refused, and nothing is written over them."""
    older, of_rows = header(vigil, layout=LAYOUT - 1), header(vigil, rows=1)
    said = []
    for state, row in ((older, None), (of_rows, b"\x01" * 96)):
        vigil.send([Given(CHANGELOG, HEADER_KEY, state, 2), Given(CHANGELOG, b"h:lz-1", row, 2)])
        said.append(poisoned(vigil, vigil.start()))
        rows = {key: value for key, value in vigil.rows().items() if key.startswith(b"2 ")}
        assert {b"2 " + HEADER_KEY: state} | ({b"2 h:lz-1": row} if row else {}) == rows

    assert f"{CHANGELOG}[2] has layout {LAYOUT - 1}, this version reads {LAYOUT}: run the other" == said[0]
    assert "layout" in said[1]


def test_missing_topic(vigil: Installation, admin: KafkaAdminClient) -> None:
    """The topic, and the command that creates it."""
    admin.delete_topics([CHECKINS])
    until(lambda: CHECKINS not in admin.list_topics(), lambda: f"{CHECKINS} is still there")

    assert f"vigil: {CHECKINS}: the topic does not exist: create it with `vigil topics apply`" == refused(vigil)
