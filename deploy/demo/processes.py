"""
The broker and the worker of the demo. Their command lines name its folder: by that they are known, and by nothing else.

The trap is the run that was killed: its worker and its broker live on. Whatever names the folder is ended before a run
and after it, and what it wrote is thrown away, so a run finds nothing of an earlier one.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPT: Final = ROOT / "deploy" / "kafka" / "kafka"
PARTITIONS: Final = 4
READY_S: Final = 60
STOP_S: Final = 20
SHOWN_LINES: Final = 12


class DemoError(Exception):
    """What the user has to know."""


class Processes:
    """What runs for one demo, with its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.worker_log = folder / "worker.log"
        # Settings and paths of whoever runs the demo are meant for other brokers and programs.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("VIGIL_", "PYTHON"))}
        self._kafka = folder / "kafka"
        # Arguments by which the broker, the worker, and the script while it starts the broker are known.
        marks = ((f"-Dvigil.data={self._kafka}",), (f"vigil.data={folder}",), (str(SCRIPT), str(self._kafka)))
        self._marks = [set(map(os.fsencode, mark)) for mark in marks]
        self._script: subprocess.Popen[str] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._port = 0

    def clear(self) -> int:
        """End what lives and delete what it wrote, but for the worker's log; return how many processes there were."""
        if self._script is not None and self._script.poll() is None:
            os.killpg(self._script.pid, signal.SIGKILL)
            self._script.wait()
        ended: set[int] = set()
        deadline = time.monotonic() + STOP_S
        while pids := self._pids():
            if time.monotonic() > deadline:
                raise DemoError(f"these processes do not end: {pids}")
            ended |= pids
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        if self._worker is not None:
            self._worker.wait()
        shutil.rmtree(self._kafka, ignore_errors=True)
        return len(ended)

    def start_kafka(self) -> str:
        """Start a broker and return its address once it answers. Its jars are fetched where they are missing."""
        self._script = subprocess.Popen(
            [sys.executable, "-I", SCRIPT, "up", "--data", self._kafka],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        address, _ = self._script.communicate()
        if self._script.returncode:
            raise DemoError("Kafka did not start")
        return address.strip()

    def start_worker(self, bootstrap: str) -> None:
        """Start `vigil run` on the feed clock and return once it is ready. Raises DemoError."""
        settings = {
            "VIGIL_KAFKA_BOOTSTRAP": bootstrap,
            "VIGIL_GROUP": "vigil-demo",
            "VIGIL_CLOCK": "feed",
            "VIGIL_PARTITIONS": str(PARTITIONS),
            "VIGIL_HTTP_PORT": "0",
            "VIGIL_RULES_FILE": str(ROOT / "deploy" / "rules.toml"),
            "VIGIL_FENCES_FILE": str(ROOT / "deploy" / "demo" / "fences.geojson"),
        }
        with self.worker_log.open("wb") as log:
            # Python keeps any name=value after -X and does nothing with it: the mark of this demo.
            self._worker = subprocess.Popen(
                [sys.executable, "-X", f"vigil.data={self.folder}", "-m", "stream.cli", "run"],
                cwd=ROOT,
                env=self.environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until(self._listens, READY_S, "the worker serves /ready")
        self.wait_until(lambda: self._get("/ready")[0] == http.HTTPStatus.OK, READY_S, "the worker is ready")

    def stop_worker(self) -> None:
        """Ask the worker to end, which writes its last transaction. Raises DemoError unless it ends well."""
        if self._worker is not None:
            self._worker.terminate()
            try:
                code = self._worker.wait(STOP_S)
            except subprocess.TimeoutExpired as error:
                raise DemoError(f"the worker did not end within {STOP_S} s of SIGTERM") from error
            if code:
                raise DemoError(f"the worker ended with exit code {code}")

    def check_worker(self) -> None:
        """Raise DemoError if the worker is gone."""
        if self._worker is not None and self._worker.poll() is not None:
            raise DemoError(f"the worker ended by itself with exit code {self._worker.returncode}")

    def metrics(self) -> list[Sample]:
        """Read what the worker counts."""
        families = text_string_to_metric_families(self._get("/metrics")[1])
        return [sample for family in families for sample in family.samples]

    def wait_until(self, holds: Callable[[], bool], longest_s: float, what: str) -> None:
        """Return once it holds. Raises DemoError when the worker is gone or time is up."""
        deadline = time.monotonic() + longest_s
        while not holds():
            self.check_worker()
            if time.monotonic() > deadline:
                raise DemoError(f"waited {longest_s:.0f} s in vain: {what}")
            time.sleep(0.1)

    def last_lines(self) -> list[str]:
        """Quote the ends of the logs, each behind the path of its file."""
        shown = []
        for log in (self.worker_log, *sorted((self._kafka / "logs").glob("*.log"))):
            with contextlib.suppress(OSError):
                lines = log.read_text("utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
                shown += [f"{log} ends with:", *(f"  {line}" for line in lines)] if lines else []
        return shown

    def _pids(self) -> set[int]:
        """Find the living processes whose arguments hold a mark; never this one."""
        found = set()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                arguments = set(path.read_bytes().split(b"\0"))
                if any(mark <= arguments for mark in self._marks):
                    found.add(int(path.parent.name))
        return found

    def _listens(self) -> bool:
        """Take the port from the worker's log; False until it is there."""
        for line in self.worker_log.read_text("utf-8", errors="replace").splitlines():
            if '"health listens"' in line:
                self._port = json.loads(line)["port"]
        return self._port > 0

    def _get(self, path: str) -> tuple[int, str]:
        """Ask the worker; 0 where it does not answer. Not through a proxy that the environment may name."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()
