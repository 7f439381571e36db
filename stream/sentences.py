"""
What an alert says to an officer, in Chinese and in English: what is known, since when, and what to do.

The trap: a sentence must not claim more than the rule knows. Silence is "nothing heard", never "switched off", unless
the carrier said so; and a finding is a lead that somebody verifies, never a breach that is established.
"""

# ruff: noqa: RUF001  # Chinese sentences have full-width punctuation
from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from detectors.findings import EpisodeEvent

DEFAULT_ZONE: Final = "Asia/Shanghai"
RULES: Final = ("gap", "curfew", "boundary", "exclusion", "night_venue", "residence")
"""The rules that officers hear of, each with sentences of its own below."""


class Pair(NamedTuple):
    """The same thing in both languages."""

    zh: str
    en: str


class Cause(NamedTuple):
    """Why nothing is known of a phone, whose business that is, and what mends it."""

    what: Pair
    owner: Pair
    remedy: Pair


OFFICE: Final = Pair("司法所", "township office")
COUNTY: Final = Pair("县级社区矫正机构", "county centre")
CARRIER: Final = Pair("运营商", "carrier")

CAUSES: Final = {
    "silent": Cause(
        Pair("未收到任何回应", "nothing heard"),
        OFFICE,
        Pair("电话联系本人，核实去向和手机状态", "call the person and verify the whereabouts and the phone"),
    ),
    "no_fix": Cause(
        Pair("手机可联系，但没有位置", "the phone answers, without a position"),
        OFFICE,
        Pair(
            "请本人检查手机定位设置；多人同时发生时联系运营商",
            "check the phone's location setting; if many, the carrier",
        ),
    ),
    "timeout": Cause(
        Pair("定位超时", "the carrier's positioning timed out"),
        CARRIER,
        Pair("反复发生时报运营商检查", "if it repeats, report it to the carrier"),
    ),
    "powered_off": Cause(
        Pair("运营商回复：关机", "the carrier says: switched off"),
        OFFICE,
        Pair("核实是否报备，要求开机", "verify whether it was reported; have it switched on"),
    ),
    "out_of_coverage": Cause(
        Pair("运营商回复：不在服务区", "the carrier says: out of coverage"),
        OFFICE,
        Pair(
            "核实所在地点；反复发生时请运营商查看信号",
            "verify the place; if it repeats, ask the carrier about coverage",
        ),
    ),
    "suspended": Cause(
        Pair("运营商回复：停机", "the carrier says: suspended"),
        OFFICE,
        Pair("督促办理复机", "have the number restored"),
    ),
    "arrears": Cause(
        Pair("运营商回复：欠费停机", "the carrier says: suspended for arrears"),
        OFFICE,
        Pair("督促缴费复机", "have the bill paid"),
    ),
    "service_not_opened": Cause(
        Pair("未开通定位业务", "the location service is not opened for the number"),
        COUNTY,
        Pair("向运营商申请开通", "apply to the carrier"),
    ),
    "function_not_activated": Cause(
        Pair("未激活定位功能", "the location function is not activated"),
        OFFICE,
        Pair("指导本人激活", "help the person to activate it"),
    ),
    "consent_withdrawn": Cause(
        Pair("定位授权被取消", "the consent to positioning was withdrawn"),
        OFFICE,
        Pair("约谈本人，核实原因，恢复授权", "see the person, verify why, have it restored"),
    ),
    "number_not_own": Cause(
        Pair("登记号码不是本人号码", "the registered number is not the person's own"),
        OFFICE,
        Pair("核对并更正登记号码", "verify and correct the registered number"),
    ),
}

CURFEW: Final = {
    "outside": Pair("在规定居家时段不在居住地", "away from the residence in the curfew window"),
    "late": Pair("规定居家时段开始时不在居住地（晚归）", "away from the residence when the curfew window began (late)"),
    "left": Pair("在规定居家时段离开居住地（夜间外出）", "left the residence in the curfew window (left)"),
    "whole_night": Pair("整夜不在居住地（整夜未归）", "away from the residence all night (whole night)"),
    "minor": Pair("在规定居家时段短时离开居住地", "a short absence in the curfew window (minor)"),
    "accumulated": Pair("短时离开多次累计超限", "short absences add up beyond the limit (accumulated)"),
}

BOUNDARY: Final = Pair("不在批准的活动区域内", "outside the permitted area")

NIGHTS: Final = {
    "unconfirmed": Pair(
        "先核实登记居住地：从未在该处停留过", "First verify the registered residence, no stay there was ever seen"
    ),
    "prohibited": Pair("可能违反禁止令，请到场核实", "The order may be breached: verify on site"),
    "repeated": Pair("请核实夜间居住情况", "Verify where the nights are spent"),
}
"""What to do about a night venue, by its class."""

RESIDENCE: Final = Pair("核对登记的居住地址和坐标", "Check the registered address and its coordinates")

ENDINGS: Final = {
    "schedule_ended": Pair("禁止时段已结束，事件关闭", "the forbidden hours ended; the episode is closed"),
    "unvisited": Pair("此后14夜未再出现，事件关闭", "14 nights without; the episode is closed"),
    "residence": Pair("改为核对登记居住地，事件关闭", "the registered residence is doubted now; the episode is closed"),
    "seen_there": Pair("已在登记居住地停留，事件关闭", "a stay at the residence was seen; the episode is closed"),
    "leave": Pair("请假已生效，事件关闭", "leave began; the episode is closed"),
    "order_ended": Pair("矫正期已结束，事件关闭", "the order ended; the episode is closed"),
    "order_changed": Pair("矫正要求已变更，事件关闭", "the order changed; the episode is closed"),
    "permitted": Pair("报备已生效，事件关闭", "a permit began; the episode is closed"),
}


def sentence(event: EpisodeEvent) -> Pair:
    """Say what the event says, in one sentence for each language; times are local to the order's zone."""
    zone = ZoneInfo(event.evidence.get("zone", DEFAULT_ZONE))
    since = _local(event.since_ms, zone)
    lasted = _duration(event.at_ms - event.since_ms if event.until_ms is None else event.until_ms - event.since_ms)
    what, to_do = _what(event)
    if event.phase == "retracted":
        return Pair(
            f"撤回：{event.supervisee} 自 {since} 起的事件（{what.zh}）不成立，无需处理。",
            f"Retracted: the episode of {event.supervisee} since {since} ({what.en}) does not stand; nothing to do.",
        )
    if event.until_ms is None:
        return Pair(
            f"{event.supervisee} 自 {since} 起{what.zh}，至今 {lasted.zh}。{to_do.zh}。",
            f"{event.supervisee}, since {since}: {what.en}, for {lasted.en} so far. {to_do.en}.",
        )
    until, ending = _local(event.until_ms, zone), ENDINGS.get(event.reason, to_do)
    return Pair(
        f"{event.supervisee} 自 {since} 至 {until}：{what.zh}，共 {lasted.zh}。{ending.zh}。",
        f"{event.supervisee}, {since} to {until}: {what.en}, {lasted.en}. {ending.en}.",
    )


def _what(event: EpisodeEvent) -> tuple[Pair, Pair]:
    """Say what is known, and what to do about it; for a rule without words of its own its name and reason."""
    verify = Pair("请核实并登记处理结果", "Verify it and record the outcome")
    if event.rule == "gap" and event.reason in CAUSES:
        what, owner, remedy = CAUSES[event.reason]
        if event.until_ms is not None:
            return what, verify
        return what, Pair(f"由{owner.zh}处理：{remedy.zh}", f"For the {owner.en}: {remedy.en}")
    if event.rule == "gap":
        return CAUSES["no_fix" if event.subject == "fix" else "silent"].what, verify
    if event.rule in {"boundary", "exclusion"}:
        return BOUNDARY if event.rule == "boundary" else _forbidden(event), verify
    if event.rule in {"night_venue", "residence"}:
        return _place(event), NIGHTS.get(str(event.evidence.get("kind")), RESIDENCE)
    kind = str(event.evidence.get("kind", event.reason))
    own_words = Pair(f"{event.rule}（{kind}）", f"{event.rule} ({kind})")
    return CURFEW.get(kind, own_words) if event.rule == "curfew" else own_words, verify


def _forbidden(event: EpisodeEvent) -> Pair:
    """A zone is told from what is around it; a venue is only the nearest that it may have been."""
    place = event.subject
    if event.evidence.get("kind") == "venue":
        return Pair(f"可能停留在禁止进入的场所（{place}）", f"may have stayed at a forbidden venue ({place})")
    return Pair(f"在禁止进入的区域内（{place}）", f"inside a forbidden zone ({place})")


def _place(event: EpisodeEvent) -> Pair:
    """Say where the nights ended, as exactly as that is known, and which venues may be meant."""
    known = event.evidence
    if "nights" not in known:
        return Pair("夜间均不在登记的居住地", "the nights are not spent at the registered residence")
    count, spot = len(known["nights"]), f"{known['lon']:.5f}, {known['lat']:.5f}"
    names = [f"{venue['name']} ({venue['category']})" for venue in known.get("venues", ())]
    zh, en = "；可能的场所：" + "、".join(names), "; venues that may be meant: " + ", ".join(names)
    if known.get("forbidden"):
        zh += "；禁止令禁止：" + "、".join(known["forbidden"])
        en += "; forbidden by the order: " + ", ".join(known["forbidden"])
    county, names_zh, names_en = known.get("district"), zh if names else "", en if names else ""
    where_zh = f"{county}，" if county else ""
    where_en = f"{county}, " if county else ""
    return Pair(
        f"近14夜中有{count}夜结束于居住地以外的同一处（{where_zh}{spot} 周围{known['radius_m']}米，"
        f"距居住地{known['distance_m']}米{names_zh}）",
        f"{count} of the last 14 nights ended in one place that is not the residence ({where_en}within "
        f"{known['radius_m']} m of {spot}, {known['distance_m']} m from the residence{names_en})",
    )


def _local(time_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _duration(length_ms: int) -> Pair:
    hours, minutes = divmod(round(length_ms / 60_000), 60)
    if not hours:
        return Pair(f"{minutes}分钟", f"{minutes} min")
    return Pair(f"{hours}小时{minutes}分钟", f"{hours} h {minutes} min")
