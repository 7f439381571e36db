"""Minor absences of the last nights: each is a notice, together they may be more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detectors.tiers import by_tier

if TYPE_CHECKING:
    from detectors.findings import Finding
    from detectors.window import Window
    from schemas.rules import Rules

DAY_MS: Final = 86_400_000
NIGHTS: Final = 7


class Absences:
    """
    Seconds of minor absence in each of the last seven nights, a ring by the number of the night.

    A night is named by the local day on which its curfew began, so that one absence before and one after midnight
    belong together. What has been reported is not counted again.
    """

    columns = (("minor_s", "u2", (NIGHTS,)), ("night", "i4"))

    def __init__(self, rules: Rules) -> None:
        self.limit_s = by_tier(rules, "curfew", "accumulated_min", 60)
        self.nights = by_tier(rules, "curfew", "accumulated_days")

    def add(self, window: Window, i: int, closed: Finding) -> list[Finding]:
        """Add the minor absence of row `i` that was closed; finds once they are too much together."""
        own, plan, until_ms = window["curfew"], window.plan, closed.until_ms or closed.at_ms
        night = int(plan["day"][i]) + (int(plan["window_ms"][i]) - int(plan["day_ms"][i])) // DAY_MS
        for passed in range(min(night - int(own["night"][i]), NIGHTS)):
            own["minor_s"][i, (night - passed) % NIGHTS] = 0
        own["night"][i] = night
        own["minor_s"][i, night % NIGHTS] += (until_ms - closed.since_ms) // 1000
        last = [(night - passed) % NIGHTS for passed in range(int(self.nights[plan["tier"][i]]))]
        total = int(own["minor_s"][i, last].sum())
        if total < self.limit_s[plan["tier"][i]]:
            return []
        own["minor_s"][i] = 0
        facts = {**closed.facts, "minor_s": total}
        kind = "accumulated"
        much = closed._replace(subject=kind, kind=kind, reason=kind, severity="alert", facts=facts)
        return [much._replace(phase="opened", until_ms=None), much]
