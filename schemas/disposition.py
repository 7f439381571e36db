"""A disposition: what a human decided about an episode, and which measure was given."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from schemas.fields import Identifier, Moment, Organisation, Received, SuperviseeId

__all__ = ["Disposition", "Measure", "Verdict"]


class Verdict(StrEnum):
    """The human's finding. ``external`` is a violation that an officer records without an episode."""

    confirmed = "confirmed"
    excused = "excused"
    technical = "technical"
    false = "false"
    external = "external"


class Measure(StrEnum):
    """What was given: 教育, 训诫, 警告, 提请撤销. First and second warning are told apart by counting."""

    education = "education"
    admonition = "admonition"
    warning = "warning"
    revocation_proposed = "revocation_proposed"


class Disposition(Received):
    """
    A verdict, with the measure once it is given.

    The verdict of an episode may come again, with its measure or corrected: the latest ``time_ms`` holds.
    Only ``external`` has no episode, and it always lacks one.
    """

    supervisee: SuperviseeId
    disposition_id: Identifier
    time_ms: Moment = Field(description="When it was decided; with a measure, when that was given.")
    verdict: Verdict
    episode_id: Identifier | None = None
    measure: Measure | None = None
    organisation: Organisation = Field(description="Who decided.")
    officer: Identifier = Field(description="Pseudonym of the officer who answers for it.")

    @model_validator(mode="after")
    def _names_its_episode(self) -> Self:
        if (self.verdict is Verdict.external) != (self.episode_id is None):
            msg = "every verdict but external names its episode"
            raise ValueError(msg)
        return self
