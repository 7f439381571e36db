"""
The machine and what runs on it: two cores, one broker on the first, one measured process at a time on the last.

Nothing outlives the run: children die with their parent, and the broker of a run that was killed is ended by the next.
"""

import contextlib
import ctypes
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / "build" / "bench"
PATIENCE_S: Final = 240
_DIE_WITH_PARENT: Final = 1
_DATA: Final = "kafka-"
OWN: Final = BUILD / f"{_DATA}{os.getpid()}"
"""Whatever this run writes besides its result: the broker's data, the input, what children hand over."""


class ChildError(Exception):
    """A measured process failed; its last lines."""


def cores() -> tuple[int, int]:
    """Give the core of the broker and the core of what is measured."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def hardware() -> str:
    """Describe the machine in a line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = psutil.virtual_memory().total / 1e9
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{names[0] if names else platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GB, {system}"


def busy_s(core: int) -> float:
    """Give the seconds for which a core has worked since the machine started, whoever it worked for."""
    times = psutil.cpu_times(percpu=True)[core]
    busy: float = sum(times) - times.idle - times.iowait
    return busy


def begin() -> tuple[Path, dict[str, Any]]:
    """
    Called first in a child: stay on the last core, and end when the parent does.

    Gives the place of the result, and the options.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.sched_setaffinity(0, {cores()[1]})
    return Path(sys.argv[1]), json.loads(sys.argv[2])


def leave(result: Path, found: Mapping[str, Any]) -> None:
    """Called last in a child: hand over what was measured."""
    result.write_text(json.dumps(found), "utf-8")


def measure(module: str, environ: Mapping[str, str] | None = None, **options: object) -> dict[str, Any]:
    """
    Run `tests.bench.<module>` alone on the last core with some options and give the JSON that it leaves.

    Raises ChildError with the end of its output when it fails or takes longer than `PATIENCE_S`.
    """
    with tempfile.TemporaryDirectory(dir=OWN) as folder:
        result, log = Path(folder, "result.json"), Path(folder, "log")
        command = [sys.executable, "-m", f"tests.bench.{module}", str(result), json.dumps(options)]
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(environ or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            code = child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            child.kill()
            child.wait()
        if code != 0 or not result.exists():
            end = "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])
            raise ChildError(f"{module} {'took too long' if code is None else f'ended with {code}'}:\n{end}")
        found: dict[str, Any] = json.loads(result.read_text("utf-8"))
        return found


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Give our environment without the user's own settings of Vigil, and with `changes`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    own |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE"), "1")
    return {**own, **changes}


@contextlib.contextmanager
def kafka() -> Iterator[str]:
    """Run a broker of our own on the first core, empty at the start and gone afterwards; gives its address."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for left in BUILD.glob(f"{_DATA}*"):
        if not Path("/proc", left.name.removeprefix(_DATA)).exists():
            _discard(left)
    try:
        up = _script("up", OWN)
        if up.returncode:
            raise ChildError(f"Kafka did not start:\n{up.stderr}")
        yield up.stdout.strip()
    finally:
        _discard(OWN)


def _discard(data: Path) -> None:
    _script("down", data)
    shutil.rmtree(data, ignore_errors=True)


def _script(verb: str, data: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-I", ROOT / "deploy" / "kafka" / "kafka", verb, "--data", data]
    environ = environment({"VIGIL_KAFKA_CPU": str(cores()[0])})
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=300)
