"""The health server, over real HTTP on a port that the system chose."""

import asyncio
import json
import socket
from http.client import HTTPConnection

import pytest
from prometheus_client import CollectorRegistry, Gauge

from schemas.errors import BadConfiguration
from stream.health import Health


def _get(port: int, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"Accept": accept})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers["Content-Type"], body


async def _ask(path: str, complaints: list[str], accept: str = "*/*") -> tuple[int, str, str]:
    registry = CollectorRegistry()
    Gauge("vigil_supervisees", "people", registry=registry).set(7)
    health = await Health.serve("127.0.0.1", 0, registry, lambda: complaints, lambda: complaints)
    try:
        return await asyncio.to_thread(_get, health.port, path, accept)
    finally:
        await health.close()


@pytest.mark.parametrize("path", ["/live", "/ready"])
def test_all_well_is_200(path: str) -> None:
    """No complaint is a 200 that a probe understands."""
    status, _, body = asyncio.run(_ask(path, []))

    assert (200, {"ok": True, "because": []}) == (status, json.loads(body))


@pytest.mark.parametrize("path", ["/live", "/ready"])
def test_complaint_is_503_and_said(path: str) -> None:
    """A complaint is a 503, and the body says which."""
    status, _, body = asyncio.run(_ask(path, ["partition 3: no progress for 95 s"]))

    assert (503, ["partition 3: no progress for 95 s"]) == (status, json.loads(body)["because"])


def test_metrics_of_the_injected_registry() -> None:
    """The page shows what is on the registry that was handed in, and nothing of the process-wide one."""
    status, content_type, body = asyncio.run(_ask("/metrics", []))

    assert 200 == status
    assert content_type.startswith("text/plain")
    assert "vigil_supervisees 7.0" in body
    assert "python_info" not in body


def test_openmetrics_on_request() -> None:
    """A scraper that asks for OpenMetrics gets it."""
    _, content_type, body = asyncio.run(_ask("/metrics", [], "application/openmetrics-text; version=1.0.0"))

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_nothing_else_is_served() -> None:
    """There is no path that shows the state of a person."""
    assert 404 == asyncio.run(_ask("/table", []))[0]


def test_taken_port_is_a_configuration_error() -> None:
    """A port in use is named with a way out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(BadConfiguration, match=rf"^VIGIL_HTTP_PORT: .*:{port} .*0 for a free one"):
            asyncio.run(Health.serve("127.0.0.1", port, CollectorRegistry(), list, list))
