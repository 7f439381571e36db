"""The broker script: repairs, locks, reuses, and leaves alone what is not its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "kafka" / "kafka"
JARS = {line.split()[1] for line in (SCRIPT.parent / "checksums.txt").read_text().splitlines()}
HALF = "zstd-jni-1.5.6-10.jar"
# Hands out the jars of the checkout; a first call with "damaged" in the environment delivers one of them short.
MVN = f"""#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
sleep 0.3
for argument; do case $argument in -DoutputDirectory=*) libs=${{argument#*=}}; esac; done
mkdir -p "$libs"
cp -n '{ROOT}'/build/kafka/libs/*.jar "$libs"/
case "$DAMAGED $*" in "yes "*maven.repo.local*) ;; "yes "*) echo half > "$libs/{HALF}" ;; esac
"""


class Copy:
    """The script in a checkout of its own, with a Maven that needs no network and counts its calls."""

    def __init__(self, root: Path) -> None:
        shutil.copytree(SCRIPT.parent, root / "deploy" / "kafka")
        self.script = root / "deploy" / "kafka" / "kafka"
        self.libs = root / "build" / "kafka" / "libs"
        self.bin = root / "bin"
        self.bin.mkdir()
        (self.bin / "mvn").write_text(MVN)
        (self.bin / "mvn").chmod(0o755)

    def start_fetch(self, **environment: str) -> "subprocess.Popen[str]":
        """Begin to fetch."""
        path = {"PATH": f"{self.bin}:{os.environ['PATH']}", "JAVA_HOME": ""}
        command: list[str | Path] = [sys.executable, "-I", self.script, "fetch"]
        return subprocess.Popen(command, env={**os.environ, **path, **environment}, stderr=subprocess.PIPE, text=True)

    def fetch(self, **environment: str) -> str:
        """Fetch, and return what was said on the way."""
        process = self.start_fetch(**environment)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said

    def calls(self) -> int:
        """Count the calls of Maven."""
        calls = self.bin / "calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def verified(self) -> bool:
        """Hold the jars against the recorded checksums, by another program than the script."""
        checksums = self.script.parent / "checksums.txt"
        check = subprocess.run(["sha256sum", "--quiet", "-c", checksums], cwd=self.libs, check=False)
        return check.returncode == 0 and {jar.name for jar in self.libs.iterdir()} == JARS


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Have the jars once, then a copy of the script that has none."""
    subprocess.run([sys.executable, "-I", SCRIPT, "fetch"], check=True, timeout=280)
    root = tmp_path / "a folder"
    root.mkdir()
    return Copy(root)


def run(verb: str, data: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the checkout's script for one data folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    command: list[str | Path] = [sys.executable, "-I", SCRIPT, verb, "--data", data]
    env = {**inherited, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=280)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Give a data folder whose broker is gone afterwards."""
    folder = tmp_path / "däta folder"
    yield folder
    run("down", folder)


def test_jars_that_match_are_not_fetched_again(copy: Copy) -> None:
    """The second call does not even ask Maven."""
    assert "Maven Central" in copy.fetch()
    assert copy.fetch() == ""
    assert copy.calls() == 1
    assert copy.verified()


def test_a_half_jar_a_missing_one_and_a_stray_one_are_mended(copy: Copy) -> None:
    """What a killed download or an older version left does not stay on the class path."""
    copy.fetch()
    (copy.libs / HALF).write_bytes((copy.libs / HALF).read_bytes()[:1000])
    (copy.libs / "slf4j-api-1.7.36.jar").unlink()
    (copy.libs / "kafka-clients-3.0.0.jar").write_bytes(b"old")
    copy.fetch()
    assert copy.verified()


def test_a_damaged_maven_repository_is_passed_by(copy: Copy) -> None:
    """A half jar in the user's repository is fetched again into a repository under build."""
    copy.fetch(DAMAGED="yes")
    assert copy.calls() == 2
    assert copy.verified()


def test_two_fetches_at_once_fetch_once(copy: Copy) -> None:
    """The second waits for the first, says so, and finds everything there."""
    processes = [copy.start_fetch(), copy.start_fetch()]
    said = "".join(process.communicate(timeout=60)[1] for process in processes)
    assert [0, 0] == [process.returncode for process in processes]
    assert copy.calls() == 1
    assert "Waiting for another run" in said


def test_without_maven_the_way_out_is_named(copy: Copy) -> None:
    """A missing program is no stack trace."""
    process = copy.start_fetch(PATH="/nowhere")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "mvn is not installed: deploy/preflight says how to get it"


@pytest.mark.kafka
def test_up_twice_is_one_broker_and_a_restart_keeps_address_and_data(data: Path) -> None:
    """Two at once and a third later find the same broker; after an end by force the topics are still there."""
    command: list[str | Path] = [sys.executable, "-I", SCRIPT, "up", "--data", data]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    addresses = {process.communicate(timeout=280)[0] for process in both} | {run("up", data).stdout}
    assert len(addresses) == 1
    address = addresses.pop().strip()
    assert address == (data / "bootstrap").read_text().strip() == run("status", data).stdout.strip()
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()

    os.kill(int((data / "pid").read_text()), signal.SIGKILL)
    time.sleep(0.5)
    assert run("status", data).returncode == 1
    assert run("up", data).stdout.strip() == address
    admin = KafkaAdminClient(bootstrap_servers=address)
    assert admin.list_topics() == ["kept"]
    admin.close()

    assert run("down", data).returncode == 0
    assert run("status", data).returncode == 1
    assert not (data / "bootstrap").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.split(":")[1])))


@pytest.mark.kafka
def test_the_log_is_kept_and_the_broker_can_be_pinned(data: Path) -> None:
    """Kafka's own log lies beside its data, and VIGIL_KAFKA_CPU leaves the other cores to what is measured."""
    assert run("up", data, VIGIL_KAFKA_CPU="0").returncode == 0
    assert "Kafka Server started" in (data / "logs" / "server.log").read_text()
    assert os.sched_getaffinity(int((data / "pid").read_text())) == {0}


def test_a_foreign_process_with_our_pid_is_not_ended(data: Path) -> None:
    """A pid that was used again belongs to somebody else, even if it is another data folder's broker."""
    data.mkdir()
    foreign = subprocess.Popen(["sleep", "60", f"-Dvigil.data={data}-2"], stderr=subprocess.DEVNULL)
    stranger = subprocess.Popen(["sleep", "60"])
    for process in (foreign, stranger):
        (data / "pid").write_text(f"{process.pid}\n")
        assert run("status", data).stderr.strip() == "Kafka is not running"
        assert run("down", data).returncode == 0
    assert stranger.poll() is None
    for process in (foreign, stranger):
        process.kill()
        process.wait()


def test_a_broker_named_by_the_environment_is_used_and_nothing_started(data: Path) -> None:
    """With VIGIL_KAFKA_BOOTSTRAP set the script only repeats it."""
    assert run("up", data, VIGIL_KAFKA_BOOTSTRAP="kafka.example:9092").stdout == "kafka.example:9092\n"
    assert not data.exists()


def test_a_broker_that_cannot_start_says_why(data: Path, tmp_path: Path) -> None:
    """The last lines of its log are printed, with the folder where the rest is."""
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\necho no room for the heap\nexit 1\n")
    java.chmod(0o755)
    up = run("up", data, JAVA_HOME=str(tmp_path))
    assert up.returncode == 1
    assert "no room for the heap" in up.stderr
    assert str(data / "logs") in up.stderr
