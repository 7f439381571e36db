"""The command line, as processes: exit codes, and one line that says what to do."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from detectors.examples import HOME, MIDNIGHT_MS, MINUTE_MS, order

ROOT = Path(__file__).parents[2]
NOWHERE = "127.0.0.1:1"


def _vigil(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    return subprocess.run(
        [sys.executable, "-m", "stream.cli", *map(str, arguments)],
        cwd=ROOT,
        env={**kept, "VIGIL_KAFKA_BOOTSTRAP": NOWHERE, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _is_one_line(process: subprocess.CompletedProcess[str], beginning: str) -> bool:
    lines = process.stderr.splitlines()
    return len(lines) == 1 and lines[0].startswith(f"vigil: {beginning}")


def test_help_names_every_verb() -> None:
    """`--help` lists the verbs and ends well."""
    process = _vigil("--help")

    assert 0 == process.returncode
    for verb in ("run", "config", "topics", "orders", "simulate", "tail", "replay", "explain"):
        assert f"\n  {verb} " in process.stdout


def test_help_loads_nothing_heavy() -> None:
    """Whoever only looks at the help does not wait for Kafka, NumPy and Faust."""
    script = "import sys, stream.cli; print([m for m in ('numpy', 'kafka', 'faust', 'shapely') if m in sys.modules])"
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]\n" == process.stdout


def test_config_shows_value_origin_and_meaning() -> None:
    """`config` shows each variable, its value and whether it was set; `--json` gives the values."""
    shown = _vigil("config", VIGIL_SETTLE_S="45", VIGIL_SETLE_S="1")
    values = json.loads(_vigil("config", "--json", VIGIL_SETTLE_S="45").stdout)

    assert 45.0 == values["settle_s"]
    assert NOWHERE == values["kafka_bootstrap"]
    assert ["VIGIL_SETTLE_S", "45.0", "set"] == next(
        line.split()[:3] for line in shown.stdout.splitlines() if line.startswith("VIGIL_SETTLE_S")
    )
    assert "VIGIL_SETLE_S sets nothing\n" == shown.stderr


@pytest.mark.parametrize("verb", [("config",), ("run",), ("tail",), ("topics", "apply"), ("replay", "x")])
def test_bad_setting_is_exit_2(verb: tuple[str, ...]) -> None:
    """Whatever the verb, a bad setting is named before anything is done."""
    process = _vigil(*verb, VIGIL_HTTP_PORT="x")

    assert 2 == process.returncode
    assert _is_one_line(process, "VIGIL_HTTP_PORT: 'x' is refused: ")


@pytest.mark.parametrize("verb", [("topics", "list"), ("tail",), ("explain", "e")])
def test_no_broker_is_exit_3(verb: tuple[str, ...]) -> None:
    """A broker that is down is one line with its address and the variable, and no trace."""
    process = _vigil(*verb)

    assert 3 == process.returncode
    assert _is_one_line(process, f"no Kafka broker answers at {NOWHERE}")
    assert "VIGIL_KAFKA_BOOTSTRAP" in process.stderr


def test_unknown_verb_is_exit_2() -> None:
    """A verb that does not exist is a mistake of usage."""
    process = _vigil("frobnicate")

    assert 2 == process.returncode
    assert "No such command 'frobnicate'" in process.stderr


def test_bad_order_is_exit_2_before_the_broker_is_asked(tmp_path: Path) -> None:
    """A bad file is found without a broker."""
    path = tmp_path / "orders.jsonl"
    path.write_text("{}", encoding="utf-8")
    process = _vigil("orders", "load", path)

    assert 2 == process.returncode
    assert _is_one_line(process, f"{path}: nothing was sent; line 1: unreadable_order: supervisee")


@pytest.mark.parametrize(
    ("content", "said"),
    [("revision = 1\n[tiers.general.gap]\noverdue_min = 'x'\n", "tiers.general.gap.overdue_min"), ("revision", "TOML")],
)
def test_worker_with_broken_rules_does_not_start(tmp_path: Path, content: str, said: str) -> None:
    """A broken rules file is named with its key, and no partition was taken."""
    path = tmp_path / "rules.toml"
    path.write_text(content, encoding="utf-8")
    process = _vigil("run", VIGIL_RULES_FILE=str(path))

    assert 2 == process.returncode
    assert _is_one_line(process, f"{path}: ")
    assert said in process.stderr


def test_worker_with_broken_fences_does_not_start(tmp_path: Path) -> None:
    """A GeoJSON file that is wrong is named with its reason."""
    path = tmp_path / "fences.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [{"type": "Feature"}]}', encoding="utf-8")
    process = _vigil("run", VIGIL_FENCES_FILE=str(path))

    assert 2 == process.returncode
    assert _is_one_line(process, f"{path}: ")


def test_worker_without_a_broker_waits_and_says_so() -> None:
    """No broker: a line in the log every few seconds says what it waits for, and a signal ends it."""
    environment = {**os.environ, "VIGIL_KAFKA_BOOTSTRAP": NOWHERE, "VIGIL_HTTP_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "stream.cli", "run"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            waiting = next(line for line in process.stdout if "waiting for Kafka" in line)
        finally:
            process.terminate()

    assert NOWHERE in json.loads(waiting)["reason"]


def test_replay_and_explain_go_together(tmp_path: Path) -> None:
    """Files in, an episode out, and its id explains it; an id that is not there is exit 4."""
    ping = {"supervisee": "lz-1", "status": "located", "lon": HOME[0], "lat": HOME[1], "datum": "wgs84"}
    lines = [json.dumps({**ping, "time_ms": MIDNIGHT_MS + minute * MINUTE_MS}) for minute in (0, 300)]
    (tmp_path / "orders.jsonl").write_text(json.dumps(order()), encoding="utf-8")
    (tmp_path / "pings.jsonl").write_text("\n".join([*lines, "nonsense"]), encoding="utf-8")
    refused, alerts = tmp_path / "refused.txt", tmp_path / "alerts.jsonl"
    shown = _vigil("replay", tmp_path, "--refused", refused)
    alerts.write_text(_vigil("replay", tmp_path, "--json").stdout, encoding="utf-8")
    episode = json.loads(alerts.read_text(encoding="utf-8").splitlines()[0])["episode_id"]

    assert 0 == shown.returncode
    assert f"[{episode}]" in shown.stdout
    assert "not_json" == json.loads(refused.read_text(encoding="utf-8"))["reason"]
    assert "refused: 1 not_json" in shown.stderr

    explained, missing = (_vigil("explain", e, "--file", alerts, "--stored", tmp_path) for e in (episode, "gone"))

    assert 0 == explained.returncode
    assert "Pings used: " in explained.stdout
    assert "Recomputed from the alert alone: the same id" in explained.stdout
    assert "Recomputed from the stored pings: the same id" in explained.stdout
    assert 4 == missing.returncode
    assert _is_one_line(missing, "no episode gone in ")


@pytest.mark.parametrize("until", ["tomorrow", "2020-01-01T00:00:00"])
def test_moment_without_a_zone_is_refused(tmp_path: Path, until: str) -> None:
    """A moment that depends on the machine, or is none, is a mistake of usage."""
    process = _vigil("replay", tmp_path, "--until", until)

    assert 2 == process.returncode
    assert _is_one_line(process, f"--until: '{until}' ")


def test_closed_pipe_is_no_trace(tmp_path: Path) -> None:
    """`vigil ... | head` ends quietly."""
    ping = {"supervisee": "lz-1", "status": "located", "lon": HOME[0], "lat": HOME[1], "datum": "wgs84"}
    lines = [json.dumps({**ping, "time_ms": MIDNIGHT_MS + hour * 180 * MINUTE_MS}) for hour in range(400)]
    (tmp_path / "orders.jsonl").write_text(json.dumps(order()), encoding="utf-8")
    (tmp_path / "pings.jsonl").write_text("\n".join(lines), encoding="utf-8")
    command = f"'{sys.executable}' -m stream.cli replay '{tmp_path}' --json | head -n 1"
    process = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert "Traceback" not in process.stderr
    assert 1 == len(process.stdout.splitlines())


@pytest.mark.kafka
def test_topics_and_orders_on_a_real_broker(kafka: str, fresh_topics: Callable[..., None], tmp_path: Path) -> None:
    """The verbs against a real broker: topics as they should be, refused with another count; orders sent."""
    fresh_topics(partitions=4)
    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps(order()) + '\n{"supervisee": "lz-2", "end": true}\n', encoding="utf-8")
    address = {"VIGIL_KAFKA_BOOTSTRAP": kafka}
    began = time.monotonic()
    good = _vigil("topics", "apply", "--partitions", "4", **address)
    other = _vigil("topics", "apply", "--partitions", "8", **address)
    listed = json.loads(_vigil("topics", "list", "--json", **address).stdout)
    loaded = _vigil("orders", "load", path, **address)
    quiet = _vigil("tail", "--from-beginning", "--until-idle", "1", **address)

    assert (0, "all topics are as they should be\n") == (good.returncode, good.stdout)
    assert 2 == other.returncode
    assert "never changed" in other.stderr
    assert {4} == set(listed.values())
    assert (0, "sent 1 orders, ended 1\n") == (loaded.returncode, loaded.stdout)
    assert (0, "") == (quiet.returncode, quiet.stdout)
    assert time.monotonic() - began < 60


@pytest.mark.kafka
def test_worker_without_topics_does_not_start(kafka: str, fresh_topics: Callable[..., None]) -> None:
    """Topics with another partition count than the settings say are named before a partition is taken."""
    fresh_topics(partitions=4)
    process = _vigil("run", VIGIL_KAFKA_BOOTSTRAP=kafka, VIGIL_HTTP_PORT="0", VIGIL_PARTITIONS="8")

    assert 2 == process.returncode
    assert "has 4 partitions, VIGIL_PARTITIONS is 8" in process.stderr


def test_evaluate_measures_says_what_is_missing_and_writes_its_files(tmp_path: Path) -> None:
    """A folder that is not there is named, the rest is measured, and the files hold the same figures."""
    figures, drawn = tmp_path / "figures.json", tmp_path / "figures.svg"
    small = ("--people", "5", "--days", "3", "--interval", "30", "--seed", "100")
    process = _vigil("evaluate", *small, "--corpus", tmp_path / "lives", "--json", figures, "--picture", drawn)
    told = json.loads(figures.read_text())

    assert 0 == process.returncode
    assert "Seed 100, for measuring" in process.stdout
    assert f"Skipped, recorded lives: {tmp_path}/lives/traces.parquet" in process.stdout
    assert len(told["rows"]) == len([line for line in process.stdout.splitlines() if line.startswith("| ")]) - 2
    assert drawn.read_text().startswith("<svg ")
    assert _is_one_line(_vigil("evaluate", *small, "--json", tmp_path / "no" / "where"), str(tmp_path / "no"))


def test_replay_against_other_rules_names_what_differs(tmp_path: Path) -> None:
    """A silence of 130 minutes is a gap under one file and not under the other; with `--json` both alerts are given."""
    ping = {"supervisee": "lz-1", "status": "located", "lon": HOME[0], "lat": HOME[1], "datum": "wgs84"}
    lines = [json.dumps({**ping, "time_ms": MIDNIGHT_MS + minute * MINUTE_MS}) for minute in (0, 10, 140, 150)]
    (tmp_path / "orders.jsonl").write_text(json.dumps(order()), encoding="utf-8")
    (tmp_path / "pings.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "a.toml").write_text("revision = 1\n", encoding="utf-8")
    (tmp_path / "b.toml").write_text(
        "revision = 2\n[tiers.general.gap]\noverdue_min = 140\ngap_min = 140\n", encoding="utf-8"
    )
    command = ("replay", tmp_path, "--rules", tmp_path / "a.toml", "--against", tmp_path / "b.toml")
    shown, told = _vigil(*command), json.loads(_vigil(*command, "--json").stdout)

    assert ["dropped  -"] == [line[:10] for line in shown.stdout.splitlines()]
    assert "from revision 1 (-) to 2 (+): 1 gap dropped\n" == shown.stderr
    assert ("dropped", 1, None) == (told["change"], told["before"]["rules_revision"], told["after"])
