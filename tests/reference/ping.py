"""A ping as the reference sees it: a plain tuple whose own order is the order in which pings are judged."""

from typing import Final, NamedTuple

NO_POSITION: Final = -(2**31)
WRISTBAND: Final = 128
MISSING_RADIUS_M: Final = 1000

STATUSES: Final = (
    "located",
    "no_fix",
    "powered_off",
    "out_of_coverage",
    "suspended",
    "arrears",
    "timeout",
    "service_not_opened",
    "function_not_activated",
    "consent_withdrawn",
    "number_not_own",
)
CODES: Final = (
    "powered_off",
    "suspended",
    "arrears",
    "service_not_opened",
    "function_not_activated",
    "consent_withdrawn",
    "number_not_own",
)


class Ping(NamedTuple):
    """Fields stand in the order in which ties are broken; lon and lat are whole 1e-7 degrees."""

    time_ms: int
    phone: int
    status: int
    lon: int
    lat: int
    accuracy_m: int
    device: int

    @property
    def answer(self) -> str:
        """The word of the carrier."""
        return STATUSES[self.status]

    @property
    def is_carriers(self) -> bool:
        """A wristband is kept, and judged by no rule that is here."""
        return self.phone < WRISTBAND

    @property
    def is_contact(self) -> bool:
        """The phone was reached."""
        return self.answer in {"located", "no_fix"}

    @property
    def is_code(self) -> bool:
        """The carrier says outright that there will be no position."""
        return self.answer in CODES

    @property
    def is_located(self) -> bool:
        """It carries a position of its own."""
        return self.answer == "located" and self.lon != NO_POSITION

    @property
    def radius_m(self) -> int:
        """68 % radius; a missing one is no precision."""
        return self.accuracy_m or MISSING_RADIUS_M
