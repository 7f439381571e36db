"""Makefile, constraints, compose file and wheel say what the rest of the tree says."""

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stream.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MAKEFILE = (ROOT / "Makefile").read_text()
PINNED = {
    canonicalize_name(requirement.name): requirement
    for requirement in map(
        Requirement, re.findall(r"^[^#\n].*", (DEPLOY / "constraints.txt").read_text(), flags=re.MULTILINE)
    )
}


def test_every_target_is_in_the_help() -> None:
    """`make help` lists each target with a sentence, and no more than there are."""
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    listed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    phony = re.search(r"^\.PHONY: (.*)", MAKEFILE, flags=re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == listed.keys()
    assert all(listed.values())


def test_recipes_are_lines_that_could_be_typed() -> None:
    """No recipe needs a second line to be understood, and none changes the folder."""
    recipes = re.findall(r"^\t(.*)", MAKEFILE, flags=re.MULTILINE)
    assert recipes
    assert not [line for line in recipes if line.endswith("\\") or "cd " in line or len(line) > 120]


def wanted() -> list[Requirement]:
    """Read what the project, its tests and its build ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    table = project["project"]
    asked = [*table["dependencies"], *table["optional-dependencies"]["test"], *project["build-system"]["requires"]]
    return [Requirement(each) for each in asked]


def needed(requirement: Requirement) -> list[Requirement]:
    """Read what an installed distribution asks for on this Python, the extras in brackets included."""
    try:
        asked = [Requirement(each) for each in distribution(requirement.name).requires or ()]
    except PackageNotFoundError:
        return []
    extras = requirement.extras or {""}
    return [each for each in asked if not each.marker or any(each.marker.evaluate({"extra": e}) for e in extras)]


def test_every_distribution_that_an_install_brings_is_pinned() -> None:
    """Nothing may change by itself: what is asked for, and all that it asks for in turn, to one version in range."""
    seen: set[str] = set()
    waiting = wanted()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        assert name in PINNED, requirement
        (pin,) = PINNED[name].specifier
        assert pin.operator == "=="
        assert pin.version in requirement.specifier, requirement
        if str(requirement) not in seen:
            seen.add(str(requirement))
            waiting += needed(requirement)


def test_what_is_installed_is_what_is_pinned() -> None:
    """The tests speak for the versions that everybody gets."""
    installed = {canonicalize_name(each.name): each.version for each in distributions()}
    both = installed.keys() & PINNED.keys()
    assert {} == {name: installed[name] for name in both if installed[name] not in PINNED[name].specifier}


def test_compose_runs_the_kafka_that_is_fetched_without_docker() -> None:
    """Both ways give the same broker: same version, and every property of the one in the other's environment."""
    kafka = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["kafka"]
    version = re.search(r"kafka_2.13</artifactId>\s*<version>(.*)</version>", (DEPLOY / "kafka/pom.xml").read_text())
    assert version is not None
    assert f"apache/kafka:{version[1]}" == kafka["image"]
    assert "healthcheck" in kafka
    given = {name: str(value) for name, value in kafka["environment"].items()}
    properties = re.findall(r"^([a-z.]+)=(.*)$", (DEPLOY / "kafka/server.properties").read_text(), flags=re.MULTILINE)
    differing = {
        name: value for name, value in properties if given.get(f"KAFKA_{name.replace('.', '_').upper()}") != value
    }
    assert {"log.dirs": "log"} == differing


def test_compose_pins_images_and_sets_only_settings_that_exist() -> None:
    """No `latest`, and no variable that the worker would not read."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert all(re.search(r":\d+\.\d+\.\d+$", service["image"]) for service in services.values())
    docker = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^FROM python:\d+\.\d+\.\d+-slim-bookworm$", docker, flags=re.MULTILINE)
    assert re.search(r"^USER [1-9]", docker, flags=re.MULTILINE)
    set_here = {name for name in services["worker"]["environment"] if name.startswith(PREFIX)}
    set_here |= set(re.findall(rf"\b({PREFIX}\w+)=", docker))
    assert set() == {name for name in set_here if name.removeprefix(PREFIX).lower() not in Settings.model_fields}


def test_the_changelog_has_the_lines_that_others_wait_for() -> None:
    """State layout, alert schema and metric names have a heading in the unreleased part."""
    unreleased = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1]
    headings = set(re.findall(r"^### (.*)", unreleased, flags=re.MULTILINE))
    assert {"State layout", "Alert schema", "Metric names"} <= headings
