"""
What an operator sets, once, from the environment: every `VIGIL_` variable, its bounds and its default.

The trap: a value read in two places drifts. Nothing else in the tree reads the environment, and the README table is
checked against these fields. Units stand in the names (`_s` seconds, `_h` hours, `_d` days).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import BadConfiguration

PREFIX = "VIGIL_"
CHECKOUT = Path(__file__).resolve().parents[1]
BOOTSTRAP_FILE = CHECKOUT / "build" / "kafka" / "bootstrap"
"""Where `deploy/kafka` writes the address of the broker that it started: one line, `host:port`."""

ADDRESS = r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):\d{1,5}"
Addresses = Annotated[str, StringConstraints(pattern=f"^{ADDRESS}(,{ADDRESS})*$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


class Settings(BaseSettings):
    """
    The effective settings of one process; frozen, because half a worker on new values would be neither.

    Build it with `load_settings()`, which names the variable when a value is refused. Nothing here is secret.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=False)

    kafka_bootstrap: Addresses | None = Field(
        default=None,
        description="Kafka addresses, `host:port,host:port`; unset: the broker that `make kafka-up` started",
    )
    group: Name = Field(default="vigil", description="consumer group, and the start of the transactional ids")
    partitions: int = Field(
        default=16,
        ge=1,
        le=1000,
        description="partitions of every keyed topic; fixed once the topics exist",
    )
    replication: int = Field(default=1, ge=1, le=9, description="replicas of a topic at its creation; 3 in production")
    clock: Literal["wall", "feed"] = Field(
        default="wall",
        description="`wall`: what the broker has answered; `feed`: event time (replay, demo, tests)",
    )
    settle_s: float = Field(default=30, ge=0, le=600, description="what the carrier needs to deliver a ping")
    horizon_h: float = Field(default=6, gt=0, le=72, description="how late a ping may come and still amend episodes")
    future_s: float = Field(default=120, ge=0, le=3600, description="how far ahead of the wall clock a ping may be")
    feed_future_d: float = Field(default=31, gt=0, le=400, description="the same ahead of the feed clock")
    flush_s: float = Field(default=0.25, ge=0.01, le=5, description="time between two transactions of a partition")
    session_timeout_s: float = Field(
        default=10,
        ge=6,
        le=300,
        description="silence after which the group gives a worker's partitions away",
    )
    rules_file: Path = Field(default=CHECKOUT / "deploy" / "rules.toml", description="the rules file, TOML")
    fences_file: Path | None = Field(default=None, description="areas, zones and venues, GeoJSON; unset: none")
    alert_source: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")] = Field(
        default="vigil",
        description="`ce_source` of every alert, a constant of the installation",
    )
    structured_alerts: bool = Field(
        default=False,
        description="alerts as one JSON document in place of CloudEvents headers",
    )
    http_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="address of `/live`, `/ready` and `/metrics`",
    )
    http_port: int = Field(default=9400, ge=0, le=65535, description="their port; 0: a free one, written to the log")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")

    @property
    def bootstrap(self) -> str:
        """The Kafka addresses in use. Raises BadConfiguration, with both ways out, where there are none."""
        if self.kafka_bootstrap is not None:
            return self.kafka_bootstrap
        try:
            written = BOOTSTRAP_FILE.read_text(encoding="utf-8").strip()
        except OSError:
            written = ""
        if not written:
            raise BadConfiguration(
                f"{PREFIX}KAFKA_BOOTSTRAP",
                f"is not set and {BOOTSTRAP_FILE} names no broker: start one with `make kafka-up`, or set it",
            )
        return written

    @property
    def horizon_ms(self) -> int:
        """How far behind the clock a ping is still accepted, in milliseconds."""
        return round(self.horizon_h * 3_600_000)

    @property
    def future_ms(self) -> int:
        """How far ahead of the clock in use a ping is still accepted, in milliseconds."""
        return round(self.future_s * 1000 if self.clock == "wall" else self.feed_future_d * 86_400_000)


def load_settings() -> Settings:
    """
    Read the settings of this process from its environment.

    Raises BadConfiguration that begins with the name of the first refused variable and lists the others.
    """
    try:
        return Settings()
    except ValidationError as error:
        refused = [(f"{PREFIX}{'_'.join(map(str, e['loc'])).upper()}", _reason(e["msg"], e["input"]))
                   for e in error.errors()]  # fmt: skip
        name, why = refused[0]
        others = "".join(f"; {other}: {reason}" for other, reason in refused[1:])
        raise BadConfiguration(name, why + others) from error


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """
    Name the `VIGIL_` variables that set nothing, sorted: most likely misspelt.

    They are reported and not refused, because Kubernetes adds `VIGIL_PORT` and its like to every pod beside a service
    of that name.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    return sorted(name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def _reason(message: str, value: object) -> str:
    """Pydantic's own sentence, with the refused value before it."""
    return f"{value!r} is refused: {message[:1].lower()}{message[1:]}"
