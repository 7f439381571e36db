"""The rules file: the defaults, and refusals that name the key."""

import tomllib
from pathlib import Path
from typing import Final

import pytest
from pydantic import ValidationError

from schemas.errors import BadConfiguration
from schemas.order import Tier
from schemas.rules import BoundaryRule, GapRule, Rules, Tiers, load_rules

DEPLOYED: Final = Path(__file__).parents[2] / "deploy" / "rules.toml"


def test_the_file_is_the_defaults() -> None:
    """The deployed file states every parameter, each with the default of the model."""
    assert Rules(revision=1) == load_rules(DEPLOYED)
    assert Rules(revision=1).model_dump() == tomllib.loads(DEPLOYED.read_text(encoding="utf-8"))


def test_every_parameter_has_a_comment() -> None:
    """Each line with a number says what it is and in which unit."""
    lines = [
        line for line in DEPLOYED.read_text(encoding="utf-8").splitlines() if " = " in line and "revision" not in line
    ]
    assert [] == [line for line in lines if "  # " not in line]
    units = {"_min": "minutes", "_m": "metres", "_mps": "metres per second", "_days": "days", "_nights": "nights"}
    for line in lines:
        name, comment = line.split(" = ")[0], line.split("# ")[1]
        unit = next((unit for suffix, unit in units.items() if name.endswith(suffix)), "")
        assert unit in comment, line


def test_tiers_are_those_of_orders() -> None:
    """Every tier that an order can name has parameters, in the same order."""
    assert [tier.value for tier in Tier] == list(Tiers.model_fields)


def test_strict_is_never_laxer() -> None:
    """The strict tier speaks no later than the general one."""
    tiers = Rules(revision=1).tiers
    for name in ("overdue_min", "gap_min", "cap_min"):
        assert getattr(tiers.strict.gap, name) <= getattr(tiers.general.gap, name)
    assert tiers.strict.curfew.minor_min <= tiers.general.curfew.minor_min


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "revision: Field required"),
        ("revision = 0", "revision: "),
        ("revision = '1'", "revision: Input should be a valid integer"),
        ("revision = 1\n[tiers.general.gap]\noverdue = 60", "tiers.general.gap.overdue: Extra inputs"),
        ("revision = 1\n[tiers.general.gap]\noverdue_min = 0", "tiers.general.gap.overdue_min: "),
        ("revision = 1\n[tiers.general.gap]\noverdue_min = 130", "tiers.general.gap: Value error, overdue_min"),
        ("revision = 1\n[tiers.general.curfew]\ndistinct = 1", "tiers.general.curfew: Value error, distinct_sparse"),
        ("revision = 1\n[tiers.light.gap]", "tiers.light: Extra inputs"),
        ("revision = ", "is not TOML: "),
        ("\udcff", "cannot be read: "),
    ],
)
def test_refusals_begin_with_path_and_key(tmp_path: Path, text: str, why: str) -> None:
    """The message begins with the file, then names the key."""
    path = tmp_path / "rules.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadConfiguration) as refusal:
        load_rules(path)
    assert str(refusal.value).startswith(f"{path}: {why}")


def test_no_file(tmp_path: Path) -> None:
    """A missing file is named, too."""
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load_rules(tmp_path / "absent.toml")


def test_parameters_cannot_be_mended_in_place() -> None:
    """A rule is frozen: its numbers belong to a revision."""
    assert GapRule().model_config["frozen"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"step": 1, "opens_percent": 99}, "never opens at pings 15 min apart"),
        ({"leaves_h": 1, "step_sparse": 2}, "never opens at pings 30 min apart"),
        ({"dense_min": 30}, "dense_min and sparse_min must rise"),
        ({"step": 4}, "step and step_sparse must not fall"),
    ],
)
def test_a_belief_that_could_never_alarm_is_refused(changes: dict[str, int], why: str) -> None:
    """It would watch people for months and say nothing, whatever they do."""
    with pytest.raises(ValidationError, match=why):
        BoundaryRule(**changes)
