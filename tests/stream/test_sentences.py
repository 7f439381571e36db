# ruff: noqa: RUF001  # Chinese sentences have full-width punctuation
"""Sentences: an officer reads what is known, since when and what to do, in two languages."""

from typing import Any

import pytest

from detectors.findings import EpisodeEvent
from detectors.pings import OPENING, STATUSES
from schemas.ping import Status
from stream.sentences import CAUSES, sentence

SINCE_MS = 1_582_295_400_000  # 2020-02-21 22:30 in Shanghai
UNTIL_MS = 1_582_364_700_000  # 2020-02-22 17:45
BLANK = EpisodeEvent(
    supervisee="P-17",
    episode_id="0",
    revision=1,
    phase="opened",
    rule="gap",
    subject="contact",
    severity="alert",
    audience="officer",
    organisation="450000/450200/450223",
    since_ms=SINCE_MS,
    until_ms=None,
    at_ms=SINCE_MS + 7_200_000,
    reason="silent",
    order_version="0",
    supersedes=None,
    evidence={},
)


def _said(**changes: Any) -> tuple[str, str]:  # noqa: ANN401  # any field of the event
    return sentence(BLANK._replace(**changes))


def test_silence_claims_no_more_than_silence() -> None:
    """Nothing heard is not called switched off, and the sentence says whose business it is."""
    assert (
        "P-17 自 2020-02-21 22:30 起未收到任何回应，至今 2小时0分钟。由司法所处理：电话联系本人，核实去向和手机状态。",
        (
            "P-17, since 2020-02-21 22:30: nothing heard, for 2 h 0 min so far. "
            "For the township office: call the person and verify the whereabouts and the phone."
        ),
    ) == _said()


def test_closed_gap_has_start_end_and_cause() -> None:
    """The end of a gap gives both times, the length and what the carrier said."""
    assert (
        "P-17 自 2020-02-21 22:30 至 2020-02-22 17:45：运营商回复：关机，共 19小时15分钟。请核实并登记处理结果。",
        (
            "P-17, 2020-02-21 22:30 to 2020-02-22 17:45: the carrier says: switched off, 19 h 15 min. "
            "Verify it and record the outcome."
        ),
    ) == _said(phase="closed", until_ms=UNTIL_MS, at_ms=UNTIL_MS, reason="powered_off")


def test_gap_closed_by_a_permit_says_so() -> None:
    """An end that is no return is named."""
    zh, en = _said(phase="closed", until_ms=UNTIL_MS, reason="permitted")

    assert "报备已生效" in zh
    assert "a permit began" in en


@pytest.mark.parametrize("status", [s for s in STATUSES if s is not Status.located])
def test_each_answer_of_the_carrier_has_words_owner_and_remedy(status: Status) -> None:
    """Whatever the carrier answers, the officer reads what it means and who mends it."""
    assert status.value in CAUSES
    assert "For the " in _said(reason=status.value)[1]


def test_answers_that_open_a_gap_are_told_apart() -> None:
    """No two of the answers that open a gap read alike."""
    assert len(OPENING) == len({_said(reason=status.value) for status in OPENING})


@pytest.mark.parametrize("kind", ["late", "left", "whole_night", "minor", "accumulated"])
def test_each_class_of_curfew_breach_is_named(kind: str) -> None:
    """The class stands in the English sentence by its name, in the Chinese one in words."""
    zh, en = _said(rule="curfew", subject="residence", reason=kind)

    assert f"({kind.replace('_', ' ')})" in en
    assert kind not in zh


def test_class_survives_an_order_that_ends() -> None:
    """When the order ends the reason is that, and the class still comes from the evidence."""
    _, en = _said(
        rule="curfew", reason="order_ended", phase="closed", until_ms=UNTIL_MS, evidence={"kind": "whole_night"}
    )

    assert "whole night" in en
    assert "the order ended" in en


def test_retraction_asks_for_nothing() -> None:
    """What is taken back says that nothing is to do."""
    zh, en = _said(phase="retracted")

    assert zh.startswith("撤回：P-17")
    assert en.endswith("nothing to do.")


def test_times_are_local_to_the_order() -> None:
    """An order of another zone is read in that zone's time."""
    assert "2020-02-21 20:30" in _said(evidence={"zone": "Asia/Urumqi"})[1]


def test_outside_the_permitted_area_and_what_leave_ends() -> None:
    """The rule is named in words, and an end by leave is not the person's return."""
    assert "outside the permitted area" in _said(rule="boundary", reason="outside")[1]
    closed = _said(rule="boundary", phase="closed", until_ms=UNTIL_MS, at_ms=UNTIL_MS, reason="leave")
    assert ["请假已生效" in closed[0], "leave began" in closed[1]] == [True, True]


def test_a_zone_is_named_and_a_venue_is_only_possible() -> None:
    """A network that errs by a street must not claim a shop."""
    assert "inside a forbidden zone (port)" in _said(rule="exclusion", subject="port", evidence={"kind": "zone"})[1]
    said = _said(rule="exclusion", subject="cafe-1", evidence={"kind": "venue"})
    assert ["可能停留在禁止进入的场所（cafe-1）" in said[0], "may have stayed" in said[1]] == [True, True]


def test_a_night_venue_is_told_with_place_and_prohibition() -> None:
    """How many nights, where and how exactly, which venues may be meant, and what the order forbids of them."""
    known = {"lon": 109.44374, "lat": 24.30302, "radius_m": 193, "distance_m": 3717, "nights": ["2020-02-19"] * 3}
    cafe = {"name": "Net 5", "category": "internet_cafe"}
    evidence = {**known, "district": "450203", "venues": [cafe], "forbidden": ["internet_cafe"], "kind": "prohibited"}
    zh, en = _said(rule="night_venue", reason="prohibited", evidence=evidence)
    assert "3 of the last 14 nights ended in one place that is not the residence (450203, within 193 m of" in en
    assert "venues that may be meant: Net 5 (internet_cafe); forbidden by the order: internet_cafe" in en
    assert "近14夜中有3夜结束于居住地以外的同一处（450203，109.44374, 24.30302 周围193米" in zh
    assert "禁止令禁止：internet_cafe" in zh
    unknown = _said(rule="night_venue", reason="repeated", evidence={**known, "kind": "repeated"})
    assert ("venues" in unknown[1], "可能的场所" in unknown[0]) == (False, False)


def test_a_doubted_residence_accuses_nobody() -> None:
    """The operator is asked to check the register; its end needs no place."""
    zh, en = _said(rule="residence", reason="elsewhere", evidence={"kind": "elsewhere"})
    assert ["Check the registered address" in en, "核对登记的居住地址" in zh] == [True, True]


def test_unknown_rule_is_still_a_sentence() -> None:
    """A rule without words of its own is named, not dropped."""
    assert "ladder (second_warning)" in _said(rule="ladder", reason="second_warning")[1]
