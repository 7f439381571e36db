"""The demo in a small size: it finds both stories, ends by itself, and leaves nothing running however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.summary import Verdict, judge
from stream.simulate.feed import Truth

ROOT = Path(__file__).parents[2]
FOUND = (
    "found    gap silent, 2020-02-21 22:30:00 to 2020-02-22 17:45:00",
    "found    gap silent, 2020-03-16 23:01:00 to 2020-03-17 06:45:00",
    "found    gap suspended, 2020-04-07 16:40:00 and lasts",
    *(
        f"found    curfew whole_night, 2026-03-{day:02} 22:00:00 to 2026-03-{day + 1:02} 08:00:00"
        for day in range(9, 13)
    ),
)
LONGEST_S = 180

GAP = Truth("man", "gap", "silent", 1_582_295_400_000, 1_582_364_700_000)

on_kafka = pytest.mark.kafka
longer = pytest.mark.timeout(600)


def start(data: Path) -> "subprocess.Popen[bytes]":
    """Start a demo of six people in an unkind shell, its input closed, its output in a file."""
    script = [sys.executable, "-I", str(ROOT / "deploy" / "demo" / "demo"), "--people", "6", "--data", str(data)]
    unkind = {
        "LC_ALL": "C",
        "TZ": "America/New_York",
        "PYTHONIOENCODING": "ascii",
        "VIGIL_KAFKA_BOOTSTRAP": "nowhere:1",
        "PYTHONPATH": str(data),
    }
    with output(data).open("wb") as out:
        closed = ["sh", "-c", 'exec "$@" <&-', "sh", *script]
        return subprocess.Popen(closed, env=os.environ | unkind, stdout=out, stderr=subprocess.STDOUT)


def output(data: Path) -> Path:
    """Name the file that the demo's output goes to."""
    return data.with_suffix(".out")


def wait_for(data: Path, words: str) -> None:
    """Return once the demo has said it."""
    deadline = time.monotonic() + LONGEST_S
    while words not in output(data).read_text("utf-8"):
        assert time.monotonic() < deadline, output(data).read_text("utf-8")
        time.sleep(0.05)


def running(data: Path) -> list[str]:
    """List the command lines of living processes that name the demo's folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if str(data) in line]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Give a folder for a demo, of which nothing lives on whatever the test finds."""
    folder = tmp_path / "a folder" / "demo"
    folder.parent.mkdir()
    yield folder
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(folder) in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
        except OSError:
            continue


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Verdict((GAP,), (), ())),
        ({"since": "2020-02-21T14:30:00.001Z"}, Verdict((), (GAP,), (GAP._replace(since_ms=GAP.since_ms + 1),))),
        ({"until": None}, Verdict((), (GAP,), (GAP._replace(until_ms=None),))),
        ({"reason": "arrears"}, Verdict((), (GAP,), (GAP._replace(kind="arrears"),))),
        ({"phase": "retracted"}, Verdict((), (GAP,), ())),
        ({"supervisee": "another"}, Verdict((), (GAP,), ())),
    ],
)
def test_a_story_is_good_only_where_exactly_its_episodes_stand(
    change: dict[str, str | None], expected: Verdict
) -> None:
    """Rule, class or cause and both edges, to the millisecond; what others did is not held against it."""
    body = {"supervisee": "man", "rule": "gap", "reason": "silent", "phase": "closed", "episode_id": "e", "revision": 2}
    times = {"since": "2020-02-21T14:30:00.000Z", "until": "2020-02-22T09:45:00.000Z"}
    verdict = judge([GAP], [body | times | change])

    assert expected == verdict
    assert (not change) == verdict.is_good


@on_kafka
@longer
def test_a_run_after_a_killed_one_finds_both_stories_and_leaves_nothing(data: Path) -> None:
    """What a kill -9 left alive is ended by the next run, and by no more than its folder is it known."""
    killed = start(data)
    wait_for(data, "] week:")
    assert "found    gap suspended" in output(data).read_text("utf-8")
    killed.kill()
    killed.wait()
    assert 2 == len(running(data))

    assert 0 == start(data).wait(LONGEST_S)
    said = output(data).read_text("utf-8")
    assert "ended 2 processes of an earlier run that was killed" in said
    assert {line.strip() for line in said.splitlines()} >= set(FOUND)
    assert "停机" in said
    assert "latency: p50" in said
    assert [] == running(data)
    assert ["lock", "worker.log"] == sorted(path.name for path in data.iterdir())


@on_kafka
@longer
@pytest.mark.parametrize(
    ("number", "when"), [(signal.SIGINT, "Kafka: one node"), (signal.SIGTERM, "worker: vigil run")]
)
def test_told_to_end_it_leaves_nothing(data: Path, number: signal.Signals, when: str) -> None:
    """Ctrl-C and SIGTERM, in whatever step, end everything and are no failure of that step."""
    demo = start(data)
    wait_for(data, when)
    demo.send_signal(number)

    assert 128 + number == demo.wait(30)
    assert "has failed" not in output(data).read_text("utf-8")
    assert [] == running(data)


@on_kafka
@longer
def test_a_step_that_fails_shows_why_and_leaves_nothing(data: Path) -> None:
    """A worker that is gone is noticed, and the ends of both logs are printed."""
    demo = start(data)
    wait_for(data, "] week:")
    worker = [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if names_worker(path, data)]
    os.kill(int(worker[0]), signal.SIGKILL)

    assert 1 == demo.wait(LONGEST_S)
    said = output(data).read_text("utf-8")
    assert f"{data / 'worker.log'} ends with:" in said
    assert f"{data / 'kafka' / 'logs' / 'server.log'} ends with:" in said
    assert "this step has failed: week:" in said
    assert "demo: the worker ended by itself with exit code -9" in said
    assert [] == running(data)


def names_worker(cmdline: Path, data: Path) -> bool:
    """Tell whether a process is the demo's worker."""
    try:
        return f"vigil.data={data}".encode() in cmdline.read_bytes().split(b"\0")
    except OSError:
        return False
