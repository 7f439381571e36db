"""Ordinary messages as they travel; a test changes what it is about."""

import json
from typing import Any, Final

SIM: Final = "0123456789abcdef0123456789abcdef"
DEVICE: Final = "fedcba9876543210fedcba9876543210"
SINCE_MS: Final = 1_582_295_400_000  # 2020-02-21 22:30 in Liuzhou


def ping(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give a located ping with every field."""
    fields = {
        "supervisee": "lz-1",
        "time_ms": SINCE_MS,
        "status": "located",
        "lon": 109.42,
        "lat": 24.33,
        "datum": "gcj02",
        "accuracy_m": 150.5,
        "cell": "460-00-1-2",
        "carrier": "mobile",
        "source": "network",
        "sim": SIM,
        "device": DEVICE,
    }
    return fields | changes


def order(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give an order with every field, electronic positioning from 1 January to 1 April 2020 among them."""
    papers = dict.fromkeys(("undertaking", "notice", "head_signed", "county_approved"), "2020-01-01")
    fields = {
        "supervisee": "lz-1",
        "order_id": "450202-2020-1",
        "valid_from_ms": 1_577_808_000_000,
        "tier": "strict",
        "organisation": "450000/450200/450202/450202001",
        "officer": "officer-1",
        "minor": True,
        "zone": "Asia/Shanghai",
        "phones": [{"sim": SIM, "devices": [DEVICE]}],
        "residence": {"lon": 109.42, "lat": 24.33, "datum": "gcj02", "county": "450202"},
        "permitted_area": "450200",
        "curfew": {
            "zone": "Asia/Shanghai",
            "windows": [{"days": [0, 1, 2, 3, 4, 5, 6], "start": "22:00", "end": "08:00"}],
            "exceptions": ["2020-01-25"],
        },
        "prohibitions": [{"category": "internet_cafe"}, {"zone": "station-square"}],
        "permits": [{"permit_id": "p-1", "kind": "leave", "from_ms": 1_579_881_600_000, "until_ms": 1_580_054_400_000}],
        "authorisations": [
            {
                "basis": "electronic_positioning",
                "from_ms": 1_577_808_000_000,
                "until_ms": 1_585_670_400_000,
                "filing": "f-1",
                **papers,
            }
        ],
    }
    return fields | changes


def checkin(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give an answered roll call with every field."""
    fields = {
        "supervisee": "lz-1",
        "checkin_id": "c-1",
        "time_ms": SINCE_MS,
        "answer": "matched",
        "method": "face",
        "challenge_id": "ch-1",
        "lon": 109.42,
        "lat": 24.33,
        "datum": "wgs84",
        "accuracy_m": 12.0,
    }
    return fields | changes


def disposition(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give a confirmed episode with its measure."""
    fields = {
        "supervisee": "lz-1",
        "disposition_id": "d-1",
        "time_ms": SINCE_MS,
        "verdict": "confirmed",
        "episode_id": "98d28d64-7cb0-5e74-bd17-20ba06bfc535",
        "measure": "education",
        "organisation": "450000/450200/450223/450223001",
        "officer": "officer-2",
    }
    return fields | changes


def raw(message: Any) -> bytes:  # noqa: ANN401
    """Write a message as its producer would."""
    return json.dumps(message, separators=(",", ":")).encode()
