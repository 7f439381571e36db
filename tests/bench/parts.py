"""The parts of a run: each prepares the topics, measures in processes of its own, and adds its figures."""

import re
import statistics
from pathlib import Path
from typing import Any, Final, NamedTuple

from geofence.fences import load_fences
from schemas.order import Basis, decode_order
from schemas.topics import ALERTS, CHANGELOG, DEAD_LETTERS, PINGS
from stream.settings import Settings
from tests.bench import county, episodes, feeding, machine, plain, poisoned

TIMES: Final = 5
SHORT_BYTES: Final = 85
SHORT_RECORDS: Final = 2_000_000
PLAIN_PINGS: Final = 30_000
CROWD: Final = 100_000
CROWD_PINGS: Final = 3
FEW: Final = 500
FEW_PINGS: Final = 500_000
INPUT: Final = machine.OWN / "input"
LIVE_INPUT: Final = machine.OWN / "live"
LIVE_PINGS_PER_S: Final = 20_000
FAR_MS: Final = 4_000_000_000_000
FENCES: Final = machine.ROOT / "deploy" / "demo" / "fences.geojson"
"""The permitted areas of the orders, so that the rules about places have something to do."""


class Run(NamedTuple):
    """What the parts share: the broker, the input, the options, and the figures found so far."""

    bootstrap: str
    drawn: county.Input
    quick: bool
    profile: Path | None
    figures: dict[str, Any]
    stages: dict[str, dict[str, float]]
    memory: dict[str, int]

    @property
    def times(self) -> int:
        """How often a figure is measured of which the median is taken."""
        return 2 if self.quick else TIMES

    def scaled(self, count: int) -> int:
        """Give a number of records, smaller in a quick run."""
        return count // 10 if self.quick else count


def delivery(run: Run) -> None:
    """Delivery alone at two sizes, in turn with `getmany`: an agent that drops what it gets."""
    short = SHORT_RECORDS // 4 if run.quick else SHORT_RECORDS
    feeding.renew(run.bootstrap)
    body = b'{"supervisee":"00000","time_ms":1772380800000,"status":"located","lon":109.41,"n":%05d}'
    records = ((n % feeding.PARTITIONS, b"00000", (body % (n % 100_000))[:SHORT_BYTES]) for n in range(short))
    feeding.send(run.bootstrap, PINGS, records)
    _compare(run, short, f"_{SHORT_BYTES}")
    feeding.renew(run.bootstrap)
    feeding.send_pings(run.bootstrap, run.drawn)
    _compare(run, len(run.drawn.values), "_full")
    run.figures["delivery_records_per_s"] = run.figures[f"delivery_{SHORT_BYTES}_records_per_s"]
    run.figures["aiokafka_getmany_records_per_s"] = run.figures[f"getmany_{SHORT_BYTES}_records_per_s"]


def _compare(run: Run, records: int, size: str) -> None:
    found: dict[str, list[dict[str, Any]]] = {"columns": [], "getmany": []}
    for _ in range(run.times):
        for who, results in found.items():
            results.append(machine.measure("delivery", bootstrap=run.bootstrap, who=who, records=records))
    for who, name in (("columns", "delivery"), ("getmany", "getmany")):
        run.figures[f"{name}{size}_records_per_s"] = statistics.median(r["seen"] / r["wall_s"] for r in found[who])
        run.figures[f"{name}{size}_cpu_us"] = statistics.median(r["cpu_s"] / r["seen"] * 1e6 for r in found[who])


def durable(run: Run) -> None:
    """The worker on the whole backlog: rules, state, alerts and offsets in transactions; then its episodes."""
    feeding.renew(run.bootstrap)
    feeding.send_orders(run.bootstrap, run.drawn)
    feeding.send_pings(run.bootstrap, run.drawn)
    found = _work(run, "durable", stages=False)
    pings = len(run.drawn.values)
    wall_s, cpu_s, main_s, core_s = _between(found, "first", "done")
    run.figures.update(
        {
            "durable_pings_per_s": pings / wall_s,
            "durable_wall_s": wall_s,
            "durable_cpu_s": cpu_s,
            "durable_cpu_us": cpu_s / pings * 1e6,
            "durable_fetch_thread_us": (cpu_s - main_s) / pings * 1e6,
            "durable_core_taken_by_others_s": core_s - cpu_s,
            "durable_pieces": found["pieces"],
            "durable_rss_mb": found["peak_rss_bytes"] / 1e6,
            "late_pings": found["counters"].get("late", 0),
            "accepted_pings": found["counters"].get("accepted", 0),
        }
    )
    told, alerts = episodes.published(run.bootstrap)
    expected = episodes.replayed(run.drawn, load_fences(FENCES))
    run.figures.update(
        {
            "alerts": alerts,
            "episodes": len(told),
            "episode_people_share": len({e.supervisee for e in told}) / len(run.drawn.supervisees),
            "episodes_missing": len(expected - told),
            "episodes_extra": len(told - expected),
        }
    )


def few(run: Run) -> None:
    """The same work for five hundred people: many pings of each in a batch."""
    drawn = county.draw(run.scaled(FEW), run.scaled(FEW_PINGS))
    feeding.renew(run.bootstrap)
    feeding.send_orders(run.bootstrap, drawn)
    feeding.send_pings(run.bootstrap, drawn)
    wall_s, cpu_s, *_ = _between(_work(run, "few", stages=False), "first", "done")
    pings = len(drawn.values)
    run.figures.update({"few_pings_per_s": pings / wall_s, "few_cpu_us": cpu_s / pings * 1e6, "few_supervisees": FEW})


def stages(run: Run) -> None:
    """The same once more with a stopwatch on every stage."""
    feeding.renew(run.bootstrap, CHANGELOG, ALERTS, DEAD_LETTERS)
    found = _work(run, "stages", stages=True)
    cpu_s = _between(found, "first", "done")[1]
    known = sum(found["stages"].values())
    run.stages["worker"] = found["stages"] | {"Faust, asyncio, sockets, transactions": cpu_s - known}


def offline(run: Run) -> None:
    """Decoder, stages of the same code without Kafka, and the scan for deadlines."""
    profile = None if run.profile is None else str(run.profile / "offline.prof")
    found = machine.measure("offline", input=str(INPUT), passes=run.times, stages=True, profile=profile)
    pings = len(run.drawn.values)
    run.stages["offline"] = found["stages"]
    run.figures.update(
        {
            "decode_us": found["decode_s"] / pings * 1e6,
            "decode_chunk_us": found["decode_chunk_s"] / pings * 1e6,
            "decode_whole_us": found["decode_whole_s"] / pings * 1e6,
            "offline_cpu_us": found["whole_s"] / pings * 1e6,
            "deadline_scan_1m_ms": found["scan_ms"],
            "curfew_start_100k_longest_ms": found["curfew_start"]["longest_ms"],
            "curfew_start_100k_all_ms": found["curfew_start"]["all_ms"],
        }
    )
    if "durable_cpu_us" in run.figures:
        run.figures["cpu_over_decode"] = run.figures["durable_cpu_us"] / run.figures["decode_us"]
        run.figures["cpu_over_decode_whole"] = run.figures["durable_cpu_us"] / run.figures["decode_whole_us"]


def peer(run: Run) -> None:
    """A plain Faust agent with tables, on all pings of some of the people."""
    people = max(1, run.scaled(PLAIN_PINGS) * len(run.drawn.supervisees) // len(run.drawn.values))
    feeding.make(run.bootstrap, plain.PARTITIONS, plain.ORDERS, plain.PINGS, plain.ALERTS)
    names = [name.encode() for name in run.drawn.supervisees]
    numbers = run.drawn.partitions(plain.PARTITIONS)
    orders = [(numbers[person], names[person], run.drawn.orders[person]) for person in range(people)]
    arrived = zip(run.drawn.persons, run.drawn.values, strict=True)
    sent = [(numbers[person], names[person], value) for person, value in arrived if person < people]
    feeding.send(run.bootstrap, plain.ORDERS, orders)
    feeding.send(run.bootstrap, plain.PINGS, sent)
    pings = len(sent)
    found = machine.measure("plain", bootstrap=run.bootstrap, people=people, pings=pings)
    run.figures.update(
        {
            "plain_faust_pings_per_s": pings / found["wall_s"],
            "plain_faust_cpu_us": found["cpu_s"] / pings * 1e6,
            "plain_faust_alerts": found["alerts"],
        }
    )


def poison(run: Run) -> None:
    """The worker on the backlog, clean and then with one record in a hundred that cannot be used; medians of three."""
    rates: dict[str, list[float]] = {"clean": [], "poisoned": []}
    cpu_us: dict[str, list[float]] = {"clean": [], "poisoned": []}
    wrong = unaccounted = poisons = 0
    for _ in range(min(run.times, 3)):
        for name, measured in rates.items():
            feeding.renew(run.bootstrap)
            feeding.send_orders(run.bootstrap, run.drawn)
            expected = {} if name == "clean" else poisoned.send(run.bootstrap, run.drawn)
            if name == "clean":
                feeding.send_pings(run.bootstrap, run.drawn)
            found = _work(run, f"{name}-{len(measured)}", stages=False)
            produced = len(run.drawn.values) + len(expected)
            wall_s, cpu_s, *_ = _between(found, "first", "done")
            measured.append(produced / wall_s)
            cpu_us[name].append(cpu_s / produced * 1e6)
            wrong += poisoned.wrong(run.bootstrap, expected)
            unaccounted += abs(produced - len(expected) - found["counters"].get("accepted", 0))
            poisons += len(expected)
    clean, with_poison = (statistics.median(measured) for measured in rates.values())
    run.figures.update(
        {
            "poison_over_clean": with_poison / clean,
            "poison_clean_pings_per_s": clean,
            "poison_pings_per_s": with_poison,
            "poison_clean_cpu_us": statistics.median(cpu_us["clean"]),
            "poison_cpu_us": statistics.median(cpu_us["poisoned"]),
            "poison_records": poisons,
            "poison_wrong": wrong,
            "poison_unaccounted": unaccounted,
        }
    )


def recovery(run: Run) -> None:
    """Rows from the changelog of the durable run; then a crowd: ready after an assignment, memory."""
    found = machine.measure("recovery", bootstrap=run.bootstrap, group="bench-durable")
    run.figures.update(
        {
            "recovery_rows_per_s": found["supervisees"] / (found["read_s"] + found["load_s"]),
            "recovery_records_per_s": found["records"] / (found["read_s"] + found["load_s"]),
            "recovery_read_s": found["read_s"],
            "recovery_load_s": found["load_s"],
            "recovery_cpu_us": found["cpu_s"] / found["supervisees"] * 1e6,
            "recovery_supervisees": found["supervisees"],
        }
    )


def crowd(run: Run) -> None:
    """A hundred thousand people: a first worker makes their rows, a second one loads them and takes a ping of each."""
    people = run.scaled(CROWD)
    drawn = county.draw(people, people * (CROWD_PINGS + 1))
    first, last = people * CROWD_PINGS, people * (CROWD_PINGS + 1)
    feeding.renew(run.bootstrap)
    feeding.send_orders(run.bootstrap, drawn)
    _send_slice(run, drawn, 0, first)
    made = _work(run, "crowd", stages=False)
    _send_slice(run, drawn, first, last)
    found = _work(run, "crowd", stages=False)
    moments = found["moments"]
    groups = found["memory"]
    run.memory.update({name: round(size / people) for name, size in groups.items()})
    run.figures.update(
        {
            "ready_100k_s": moments["everywhere"]["wall_s"] - moments["assigned"]["wall_s"],
            "ready_loaded_s": moments["loaded"]["wall_s"] - moments["assigned"]["wall_s"],
            "ready_cpu_s": moments["loaded"]["cpu_s"] - moments["assigned"]["cpu_s"],
            "process_start_s": moments["assigned"]["wall_s"],
            "first_orders_s": made["moments"]["loaded"]["wall_s"] - made["moments"]["assigned"]["wall_s"],
            "rss_mb": found["rss_bytes"] / 1e6,
            "rss_peak_mb": found["peak_rss_bytes"] / 1e6,
            "bytes_per_supervisee": sum(groups.values()) / people,
            "crowd_supervisees": people,
        }
    )


def delay(run: Run) -> None:
    """From a ping, and from a silence, to the alert: everybody once a second, all topics subscribed, the wall clock."""
    people = run.scaled(LIVE_PINGS_PER_S)
    drawn = county.draw(people, people * 3)
    drawn.orders = list(map(_without_end, drawn.orders))
    county.save(drawn, LIVE_INPUT)
    rules = LIVE_INPUT.with_suffix(".toml")
    text = Settings().rules_file.read_text("utf-8")
    rules.write_text(re.sub(r"^(overdue_min|gap_min|cap_min) = \d+", r"\1 = 1", text, flags=re.MULTILINE), "utf-8")
    feeding.renew(run.bootstrap)
    feeding.send_orders(run.bootstrap, drawn)
    found = machine.measure("latency", bootstrap=run.bootstrap, input=str(LIVE_INPUT), rules=str(rules), people=people)
    for name in ("ping_to_alert", "silence_beyond_settle"):
        p50, p99, most = found[f"{name}_s"]
        run.figures.update({f"{name}_p50_s": p50, f"{name}_p99_s": p99, f"{name}_max_s": most})
    for name in ("pings_per_s", "sender_late_s", "cpu_share", "others_share"):
        run.figures[f"live_{name}"] = found[name]


def _without_end(raw: bytes) -> bytes:
    """Give an order under which a person's pings may be processed now, whatever the day."""
    order = decode_order(raw)
    period = order.authorisations[0].model_copy(
        update={"basis": Basis.information_verification, "until_ms": FAR_MS}
    )
    return order.model_copy(update={"authorisations": (period,)}).model_dump_json().encode()


def _send_slice(run: Run, drawn: county.Input, begin: int, end: int) -> None:
    part = county.Input(
        drawn.supervisees, drawn.orders, drawn.persons[begin:end], drawn.values[begin:end], drawn.end_ms, 0.0
    )
    feeding.send_pings(run.bootstrap, part, clock=False)


def _work(run: Run, group: str, *, stages: bool) -> dict[str, Any]:
    environ = {
        "VIGIL_KAFKA_BOOTSTRAP": run.bootstrap,
        "VIGIL_GROUP": f"bench-{group}",
        "VIGIL_CLOCK": "feed",
        "VIGIL_PARTITIONS": str(feeding.PARTITIONS),
        "VIGIL_HTTP_PORT": "0",
        "VIGIL_FENCES_FILE": str(FENCES),
    }
    profile = None if run.profile is None or stages else str(run.profile / f"{group}.prof")
    ends = feeding.ends(run.bootstrap, PINGS)
    return machine.measure("worker", environ, ends=ends, stages=stages, profile=profile)


def _between(found: dict[str, Any], begin: str, end: str) -> list[float]:
    """Give seconds between two moments: wall, processor, processor of the main thread, and what the core worked."""
    before, after = found["moments"][begin], found["moments"][end]
    return [after[name] - before[name] for name in ("wall_s", "cpu_s", "main_cpu_s", "core_s")]


PARTS: Final = (delivery, durable, recovery, stages, offline, few, peer, crowd, delay, poison)
