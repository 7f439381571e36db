"""
The README's two commands, as a stranger runs them: in a new copy of the tree, in an unkind shell.

Left out of every run that does not ask for the marker `fresh`, `make test` included. The copies run `make test`
themselves, so a run that did not leave them out would copy itself without end.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = (".git", ".venv", "build", "dist", "*.egg-info", ".*_cache", "__pycache__", ".hypothesis")
COMMANDS = ("make demo", "make test")

pytestmark = [pytest.mark.fresh, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def unkind(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Set up a foreign locale and zone, an active environment of another project, and modules that must not be read."""
    folder = tmp_path_factory.mktemp("unkind")
    venv.create(folder / "active")
    for module in ("numpy", "kafka", "pydantic", "schemas"):
        (folder / f"{module}.py").write_text(f"raise SystemExit('PYTHONPATH was read for {module}')\n")
    ours = ("VIGIL_", "MAKE", "MFLAGS", "PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "PYTEST_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **inherited,
        "LC_ALL": "C",
        "TZ": "America/New_York",
        "PATH": f"{folder / 'active' / 'bin'}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(folder / "active"),
        "PYTHONPATH": str(folder),
    }


def copy_of_the_tree(folder: Path) -> Path:
    """Copy what a clone would have to a path with a space, with nothing beside it."""
    copy = folder / "a new place" / "vigil"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return copy


def processes_of(copy: Path) -> list[str]:
    """List the command lines of living processes that name the copy."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if str(copy) in line]


def test_the_readme_names_these_commands() -> None:
    """What is tested here is what is promised there."""
    lines = (ROOT / "README.md").read_text().splitlines()
    assert set(COMMANDS) <= {line.split("#")[0].strip() for line in lines}


@pytest.mark.parametrize("command", COMMANDS)
def test_it_works_with_no_earlier_target(command: str, unkind: dict[str, str], tmp_path: Path) -> None:
    """
    It ends well, with its input closed and its output in a pipe, and leaves nothing running.

    The demo runs against a real broker; of the tests those that need one are left to the run outside of the copy.
    """
    copy = copy_of_the_tree(tmp_path)
    environment = {**unkind, "PYTEST_ADDOPTS": "-m 'not fresh and not faults and not kafka'"}
    closed = ["sh", "-c", f"exec {command} <&-"]
    done = subprocess.run(
        closed, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    sys.stdout.write(done.stdout)
    assert done.returncode == 0
    assert [] == processes_of(copy)
