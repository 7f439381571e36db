"""Dispositions: every verdict has its episode, except the one that cannot."""

from typing import Any

import pytest

from schemas.disposition import Disposition, Measure, Verdict
from schemas.errors import BadInput, Reason
from schemas.reading import read
from tests.schemas.messages import disposition, raw


@pytest.mark.parametrize("change", [{}, {"verdict": "external", "episode_id": None}, {"measure": None}])
def test_verdicts(change: dict[str, Any]) -> None:
    """A verdict names its episode, with a measure or before one; a violation outside any episode names none."""
    got = read(Disposition, raw(disposition(**change)))
    assert (got.verdict is Verdict.external) == (got.episode_id is None)
    assert got.measure in {Measure.education, None}


@pytest.mark.parametrize(
    ("change", "reason", "where"),
    [
        ({"episode_id": None}, Reason.wrong_type, ""),
        ({"verdict": "external"}, Reason.wrong_type, ""),
        ({"verdict": "guilty"}, Reason.wrong_type, "verdict"),
        ({"measure": "prison"}, Reason.wrong_type, "measure"),
        ({"organisation": "Liuzhou"}, Reason.out_of_range, "organisation"),
        ({"officer": ""}, Reason.out_of_range, "officer"),
    ],
)
def test_faults(change: dict[str, Any], reason: Reason, where: str) -> None:
    """A verdict that names no episode, and words outside the sets, are refused."""
    with pytest.raises(BadInput) as refusal:
        read(Disposition, raw(disposition(**change)))
    assert (reason, where) == (refusal.value.reason, refusal.value.where)
