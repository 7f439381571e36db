"""Episodes found once more from the orders and pings that are stored."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaProducer

from detectors.examples import HOME, MIDNIGHT_MS, MINUTE_MS, order
from detectors.gate import Limits
from geofence.fences import NO_FENCES
from schemas.errors import BadConfiguration
from schemas.rules import GapRule, Rules, TierRules, Tiers
from schemas.topics import ORDERS, PINGS
from stream.report import Report
from stream.settings import Settings
from stream.stored import Store, in_folder, on_topics
from stream.tail import Body

RULES = Rules(revision=1)
LIMITS = Limits(future_ms=31 * 86_400_000)
MINUTES = (0, 10, 20, 300, 310)


def ping(minute: int, supervisee: str = "lz-1") -> bytes:
    """Give a ping from home."""
    place = {"lon": HOME[0], "lat": HOME[1], "datum": "wgs84", "accuracy_m": 100}
    sent = {"supervisee": supervisee, "time_ms": MIDNIGHT_MS + minute * MINUTE_MS, "status": "located", **place}
    return json.dumps(sent).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two people, one of whom is silent for hours."""
    others = [order(), {**order(), "supervisee": "lz-2"}]
    (tmp_path / "orders.jsonl").write_text("\n".join(map(json.dumps, others)), encoding="utf-8")
    pings = [ping(minute) for minute in MINUTES] + [ping(minute, "lz-2") for minute in range(311, 600, 10)]
    (tmp_path / "pings.jsonl").write_bytes(b"\n".join(pings))
    (tmp_path / "rules.toml").write_text("revision = 1\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def events(folder: Path) -> list[Body]:
    """The alerts of the silence."""
    report = Report(Settings(), folder / "rules.toml")
    report.run([folder], None, lambda: None)
    return [json.loads(line) for line in report.alerts()]


def test_the_same_id_comes_out_of_a_folder(folder: Path, events: list[Body]) -> None:
    """Only the person's own records are replayed."""
    store = in_folder(folder, "lz-1")

    assert (events[0]["episode_id"], "revision 1 of the rules, 5 pings") == store.again(
        events, RULES, LIMITS, NO_FENCES
    )


def test_an_open_episode_is_found_while_it_lasts(folder: Path, events: list[Body]) -> None:
    """Time runs on to the alert, though no ping does."""
    (folder / "pings.jsonl").write_bytes(b"\n".join(ping(minute) for minute in MINUTES[:3]))
    found = in_folder(folder, "lz-1").again(events[:1], RULES, LIMITS, NO_FENCES)

    assert events[0]["episode_id"] == found.episode


def test_under_other_rules_it_is_not_found(folder: Path, events: list[Body]) -> None:
    """And it is said among how many."""
    lax = GapRule(overdue_min=290, gap_min=290, cap_min=300)
    rules = Rules(revision=2, tiers=Tiers(general=TierRules(gap=lax)))
    found = in_folder(folder, "lz-1").again(events, rules, LIMITS, NO_FENCES)

    assert (None, "not found among the 0 episodes of the person") == found


@pytest.mark.parametrize("kept", [(), (300, 310)])
def test_pings_that_are_gone_prove_nothing(folder: Path, events: list[Body], kept: tuple[int, ...]) -> None:
    """Where the first of the evidence is not stored any more, nothing is said of the episode."""
    (folder / "pings.jsonl").write_bytes(b"\n".join(ping(minute) for minute in kept))
    found = in_folder(folder, "lz-1").again(events, RULES, LIMITS, NO_FENCES)

    assert (None, "the orders or pings of that time are not stored any more") == found


def test_a_line_that_is_no_ping_is_named(folder: Path, events: list[Body]) -> None:
    """By its file and line."""
    (folder / "pings.jsonl").write_bytes(b'{"supervisee": "lz-1"}')

    with pytest.raises(BadConfiguration, match=r"pings\.jsonl: line 1: is no ping"):
        in_folder(folder, "lz-1").again(events, RULES, LIMITS, NO_FENCES)


@pytest.mark.kafka
def test_the_same_id_comes_out_of_the_topics(kafka: str, fresh_topics: Callable[..., None], events: list[Body]) -> None:
    """From the person's own partition, and nobody else's records."""
    fresh_topics()
    producer = KafkaProducer(bootstrap_servers=kafka)
    producer.send(ORDERS, key=b"lz-1", value=json.dumps(order()).encode())
    for minute in MINUTES:
        producer.send(PINGS, key=b"lz-1", value=ping(minute))
        producer.send(PINGS, key=b"lz-2", value=ping(minute, "lz-2"))
    producer.flush()
    producer.close()
    store: Store = on_topics(kafka, "lz-1")

    assert [1, 5, 0, 0] == [len(of) for of in store.records.values()]
    assert events[0]["episode_id"] == store.again(events, RULES, LIMITS, NO_FENCES).episode
