"""
The README: each of its tables is what the code says, and its samples are read by the code.

A table that differs is printed as it should be, to be copied.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from detectors.engine import watching
from geofence.fences import NO_FENCES
from schemas.deadletter import DeadLetter
from schemas.errors import Reason
from schemas.order import decode_order
from schemas.rules import Rules
from schemas.topics import TOPICS
from stream import cli
from stream.decode import decode
from stream.metrics import catalogue
from stream.sentences import CAUSES, RULES
from stream.settings import CHECKOUT, PREFIX, Settings
from stream.transactions import EXIT_POISONED

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
DAY_MS = 86_400_000

Row = tuple[str, ...]


def topics() -> list[Row]:
    """Name, direction, content, key, cleanup, how long kept."""
    rows: list[Row] = []
    for topic in TOPICS:
        kept = topic.configs.get("retention.ms")
        days = f"{int(kept) // DAY_MS} d" if kept else "the last of each key"
        rows.append((f"`{topic.name}`", topic.direction, topic.content, topic.key, topic.cleanup, days))
    return rows


def rules() -> list[Row]:
    """Name and worst-case delay, as the rule's own docstring gives it."""
    found = watching(Rules(revision=1), NO_FENCES)
    delays = {rule.name: re.search(r"Worst-case delay: (.*?)\n\n", rule.__doc__ or "", re.DOTALL) for rule in found}
    return [(name, " ".join(delay[1].split())) for name, delay in delays.items() if delay]


def causes() -> list[Row]:
    """Reason, what it says, whose business it is, what to do."""
    return [(f"`{name}`", cause.what.zh, cause.what.en, cause.owner.en, cause.remedy.en)
            for name, cause in CAUSES.items()]  # fmt: skip


def metrics() -> list[Row]:
    """Name, kind, labels, meaning, what to do."""
    return [
        (f"`{entry.name}`", entry.prometheus_kind, ", ".join(entry.labels) or "-", entry.meaning, entry.remedy)
        for entry in catalogue()
    ]


def settings() -> list[Row]:
    """Variable, default, meaning; a path in the checkout without the checkout."""
    rows: list[Row] = []
    for name, field in Settings.model_fields.items():
        default = "-" if field.default is None else str(field.default).removeprefix(f"{CHECKOUT}/")
        rows.append((f"`{PREFIX}{name.upper()}`", f"`{default}`" if default != "-" else "-", field.description or ""))
    return rows


def exit_codes() -> list[Row]:
    """Every exit code that the command line has a name for."""
    codes = (0, cli.FAILED, cli.MISCONFIGURED, cli.NO_BROKER, cli.NOT_FOUND, EXIT_POISONED)
    return [(str(code),) for code in codes]


def refusals() -> list[Row]:
    """Every reason code of a dead letter, and what helps."""
    return [(f"`{reason}`", f"`{DeadLetter('', 0, 0, reason).replay}`") for reason in Reason]


def table(heading: str) -> list[Row]:
    """Give the rows of the first table under a heading, without its head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[2:]]


def samples(language: str = "json") -> list[str]:
    """Give the fenced samples of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Topics", topics),
        ("Causes of a gap", causes),
        ("Metrics", metrics),
        ("Settings", settings),
    ],
)
def test_table_is_what_the_code_says(heading: str, expected: Callable[[], list[Row]]) -> None:
    """Row for row, cell for cell."""
    rows = expected()

    assert rows == table(heading), "\n".join(f"| {' | '.join(row)} |" for row in rows)


def test_rules_have_their_worst_case_delay() -> None:
    """Each rule has a row, which ends with the worst-case delay that the rule itself gives."""
    assert rules() == [(row[0], row[-1]) for row in table("Rules")]


def test_rules_have_sentences() -> None:
    """Each rule that opens episodes is one that officers can read about."""
    assert set(RULES) == {name for name, _ in rules()}


def test_exit_codes_are_those_of_the_command_line() -> None:
    """Each exit code has a row, and no other has one."""
    assert exit_codes() == [row[:1] for row in table("Exit codes")]


def test_refusals_are_the_reason_codes() -> None:
    """Each reason code has a row with the replay hint of its dead letters."""
    assert refusals() == [row[:2] for row in table("Dead letters")]


def test_dead_letter_headers_are_named() -> None:
    """The headers that a dead letter carries are all named."""
    for name, _ in DeadLetter("", 0, 0, Reason.not_json).headers():
        assert f"`{name}`" in README


def test_samples_are_read_by_the_code() -> None:
    """The sample order, ping and clock record are what the code takes."""
    order, ping, clock = samples()
    supervisee = decode_order(order.encode()).supervisee
    batch = decode([supervisee.encode(), b"~clock"], [ping.encode(), clock.encode()])

    assert [supervisee] == batch.supervisees
    assert [] == batch.refused
    assert [(1, json.loads(clock)["clock_ms"])] == batch.clocks


def test_verbs_are_those_of_the_command_line() -> None:
    """Each verb that the README shows exists, and each that exists is shown."""
    shown = set(re.findall(r"^vigil (\w+)", "\n".join(samples("sh")), re.MULTILINE))
    commands = {command.callback.__name__ for command in cli.app.registered_commands if command.callback}

    assert commands | {"topics", "orders"} == shown


def test_picture_and_files_exist() -> None:
    """Each relative link leads to a file of the tree."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (CHECKOUT / target).exists(), target
