"""
`/live`, `/ready` and `/metrics` on an address of their own, loopback by default.

The trap: a worker that hangs answers nothing and still counts as running, so "live" means that each partition moved or
stood at its end, and the answer says which one did not. Nothing served here names a person.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from schemas.errors import BadConfiguration

Complaints = Callable[[], list[str]]
"""What is wrong just now, one short sentence each; empty when all is well."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Health(NamedTuple):
    """A running server and the port that it got."""

    runner: web.AppRunner
    port: int

    @classmethod
    async def serve(
        cls, host: str, port: int, registry: CollectorRegistry, live: Complaints, ready: Complaints
    ) -> Self:
        """
        Listen on `host:port` (0: a free port) in the running loop and log the address.

        Raises BadConfiguration when the address is taken or not of this machine.
        """
        app = web.Application()
        app.add_routes(
            [
                web.get("/live", _answer(live)),
                web.get("/ready", _answer(ready)),
                web.get("/metrics", _metrics(registry)),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise BadConfiguration(
                "VIGIL_HTTP_PORT",
                f"cannot listen on {host}:{port} ({error.strerror}): take another port, or 0 for a free one",
            ) from error
        chosen: int = runner.addresses[0][1]
        structlog.get_logger(__name__).info("health listens", host=host, port=chosen)
        return cls(runner, chosen)

    async def close(self) -> None:
        """Stop listening; answers under way get a second."""
        await self.runner.cleanup()


def _answer(complaints: Complaints) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        wrong = complaints()
        return web.json_response({"ok": not wrong, "because": wrong}, status=503 if wrong else 200)

    return handler


def _metrics(registry: CollectorRegistry) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return handler
