"""
The long-running worker: everything it needs is checked before it takes a partition, and it says what it waits for.

The trap: a worker that joins the group and then finds its rules file broken has taken partitions from one that worked.
"""

import asyncio
import gc

import structlog
from prometheus_client import CollectorRegistry

from detectors.engine import Engine
from detectors.findings import EpisodeEvent
from detectors.gate import Limits
from geofence.fences import Fences, load_fences
from schemas.alert import Message
from schemas.errors import Unavailable
from schemas.rules import Rules, load_rules
from stream import app as application
from stream.alerts import encode
from stream.health import Health
from stream.metrics import Metrics
from stream.settings import Settings
from stream.worker import describe

YOUNG = 100_000
"""Objects made before the collector looks: what lives through a batch is few, and it walked them once a millisecond."""


def run(settings: Settings) -> None:
    """
    Run a worker until SIGTERM or SIGINT.

    Raises BadConfiguration for a broken rules file, broken fences, missing topics, another partition count or a port in
    use; while no broker answers it waits and says so.
    """
    gc.set_threshold(YOUNG)
    rules = load_rules(settings.rules_file)
    fences = load_fences(settings.fences_file)
    asyncio.run(_run(settings, rules, fences))


async def _run(settings: Settings, rules: Rules, fences: Fences) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    apps: list[application.App] = []

    def live() -> list[str]:
        return application.live(apps[0].delivery) if apps else []

    def ready() -> list[str]:
        return application.ready(apps[0].delivery) if apps else [f"no broker answers yet at {settings.bootstrap}"]

    def say(event: EpisodeEvent) -> Message:
        return encode(event, rules.revision, settings.alert_source, structured=settings.structured_alerts)

    health = await Health.serve(settings.http_host, settings.http_port, registry, live, ready)
    try:
        await _broker(settings)
        limits = Limits(settings.horizon_ms, settings.future_ms)
        apps.append(application.build(settings, lambda: Engine(rules, limits, fences), say, metrics))
        await application.serve(apps[0])
    finally:
        await health.close()


async def _broker(settings: Settings) -> None:
    """Return once the broker answers and its topics are right; each try that fails is a line in the log."""
    while True:
        try:
            await asyncio.to_thread(describe, settings.bootstrap, settings.partitions)
        except Unavailable as error:
            structlog.get_logger(__name__).warning("waiting for Kafka", reason=str(error))
            await asyncio.sleep(1)
        else:
            return
