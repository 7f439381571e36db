"""A `vigil run` as an operator starts it: a process with an environment, a log and a health address."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
LONGEST_S = 60.0
STEP_S = 0.05

Series = tuple[str, tuple[tuple[str, str], ...]]


def until(condition: Callable[[], bool], what: Callable[[], str], longest_s: float = LONGEST_S) -> None:
    """Wait for a condition; when it does not come, fail with `what`."""
    deadline = time.monotonic() + longest_s
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(STEP_S)


class Worker:
    """One worker process; `variables` are its only VIGIL_ variables."""

    def __init__(self, log: Path, variables: Mapping[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stream.cli", "run"],
                cwd=ROOT,
                env={**kept, **variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    @property
    def text(self) -> str:
        """All that it has written so far."""
        return self.log.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """Give its log lines; one that is still being written is left out."""
        whole = self.text.rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def get(self, path: str) -> tuple[int, str]:
        """Ask its health server; gives status and body."""
        ports = [line["port"] for line in self.lines() if line["event"] == "health listens"]
        try:
            with urlopen(f"http://127.0.0.1:{ports[0]}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self) -> dict[Series, float]:
        """Give its metrics: value by name and labels."""
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.get("/metrics")[1])
            for sample in family.samples
        }

    def listens(self) -> "Worker":
        """Wait until its health server does."""
        until(lambda: self.is_over() or '"health listens"' in self.text, lambda: self.text)
        assert not self.is_over(), self.text
        return self

    def is_ready(self) -> bool:
        """Ask whether it works on all that it was given."""
        assert not self.is_over(), self.text
        return self.listens().get("/ready")[0] == 200

    def ready(self) -> "Worker":
        """Wait until it is."""
        until(self.is_ready, lambda: self.get("/ready")[1] + self.text)
        return self

    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def ended(self, longest_s: float = LONGEST_S) -> int:
        """Wait for its end and give the exit code."""
        until(self.is_over, lambda: self.text, longest_s)
        return int(self.process.returncode)

    def stop(self) -> int:
        """Tell it to end, and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """End it at once; it can do nothing about it."""
        self.process.kill()
        self.process.wait()
