"""What the machine lacks is named before anything is downloaded, each with the command that installs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "sed", "df", "awk")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Give a folder of programs that is the whole PATH: a shell and its tools, and by stubs all that is asked for."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(Path(found).resolve())
    (tmp_path / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "java").write_text("#!/bin/sh\necho 'openjdk version \"21.0.2\" 2024-01-16' >&2\n")
    (tmp_path / "mvn").write_text("#!/bin/sh\n")
    for program in ("python3", "java", "mvn"):
        (tmp_path / program).chmod(0o755)
    return tmp_path


def preflight(machine: Path) -> "subprocess.CompletedProcess[str]":
    """Run it where only these programs exist."""
    environment = {**os.environ, "PATH": str(machine), "JAVA_HOME": "", "LC_ALL": "C"}
    return subprocess.run(
        ["/bin/sh", ROOT / "deploy" / "preflight"], env=environment, capture_output=True, text=True, check=False
    )


def replace(program: Path, script: str) -> None:
    """Put another stub in a program's place."""
    program.write_text(f"#!/bin/sh\n{script}\n")


def test_a_machine_that_has_all_gets_the_python_to_use(machine: Path) -> None:
    """Success is one word: what the environment is made from."""
    done = preflight(machine)
    assert (0, "python3\n", "") == (done.returncode, done.stdout, done.stderr)


def test_everything_that_is_missing_is_named_at_once(machine: Path) -> None:
    """Nobody installs one thing to be told of the next."""
    for program in ("python3", "java", "mvn"):
        (machine / program).unlink()
    done = preflight(machine)
    assert done.returncode == 1
    assert done.stdout == ""
    expected = [
        "missing: Python 3.11 or newer",
        "    sudo apt-get install -y python3 python3-venv",
        "missing: Java 17 or newer (Kafka runs on it)",
        "    sudo apt-get install -y default-jre-headless",
        "missing: Maven (it fetches Kafka)",
        "    sudo apt-get install -y maven",
    ]
    assert expected == done.stderr.splitlines()


def test_an_old_java_is_no_java(machine: Path) -> None:
    """Kafka 4 does not start on Java 11, nor on the 1.8 that names itself otherwise."""
    for version in ("11.0.22", "1.8.0_402"):
        replace(machine / "java", f"echo 'openjdk version \"{version}\"' >&2")
        assert "missing: Java 17 or newer" in preflight(machine).stderr


def test_java_home_comes_before_the_path(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Maven and the broker use it, so it is what must be new enough."""
    monkeypatch.setitem(os.environ, "JAVA_HOME", "/nowhere")
    environment = {**os.environ, "PATH": str(machine)}
    command: list[str | Path] = ["/bin/sh", ROOT / "deploy" / "preflight"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "missing: Java 17 or newer" in done.stderr


def test_a_python_without_venv_is_told_from_none(machine: Path) -> None:
    """Debian's python3 comes without it."""
    replace(machine / "python3", 'case "$*" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac')
    lines = preflight(machine).stderr.splitlines()
    assert ["missing: the venv module of python3", "    sudo apt-get install -y python3-venv"] == lines


def test_an_old_python3_in_front_is_passed_by(machine: Path) -> None:
    """An active environment of another Python hides a good one only under the name python3."""
    (machine / "python3").rename(machine / "python3.12")
    (machine / "python3").touch()
    (machine / "python3").chmod(0o755)
    replace(machine / "python3", "exit 1")
    assert preflight(machine).stdout == "python3.12\n"


def test_a_full_disk_is_named_with_what_is_left(machine: Path) -> None:
    """Two gigabytes hold the environment, Kafka and a benchmark."""
    (machine / "df").unlink()
    replace(machine / "df", "echo Filesystem; echo /dev/vda 9000 8000 1000 90% /")
    (machine / "df").chmod(0o755)
    done = preflight(machine)
    assert done.returncode == 1
    assert f"missing: disk: 2048 MB are needed in {ROOT}, 1000 MB are free" in done.stderr
