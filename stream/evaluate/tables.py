"""An evaluation as a table that reads well in a terminal and in a Markdown page."""

from collections.abc import Iterator
from typing import Final

from stream.evaluate.quality import FIRST_TEST_SEED, Report, Row

__all__ = ["lines", "seed_line"]

HEAD: Final = (
    "rule", "corpus", "min", "sticky", "precision", "recall", "F1", "false / 30 d",
    "median min", "p90 min", "early score", "alerts / day",
)  # fmt: skip
WORDS: Final = 2
"""Columns that are words stand to the left, numbers to the right."""
CORPORA: Final = {
    "recorded": "recorded lives as they are",
    "violations": "recorded lives with nights elsewhere and exits by day",
    "forbidden": "recorded lives with visits to a zone and a venue that the order forbids",
    "nights": "recorded lives with four nights of fourteen at one place, 600 m to 4 km away",
    "silences": "recorded lives with silences, coverage holes and night doze",
    "county": "simulated county",
    "still": "phones that lie at home",
}


def lines(report: Report) -> Iterator[str]:
    """Give the table, and above it what was measured with which seed."""
    yield seed_line(report)
    for corpus, count in sorted(report.subjects.items()):
        days = next((row.quality.days for row in report.rows if row.corpus == corpus), 0.0)
        yield f"{corpus}: {CORPORA[corpus]}, {count} people, {days:.0f} known days."
    for what, why in report.skipped.items():
        yield f"Skipped, {what}: {why}."
    yield ""
    yield from _table([HEAD, *(_cells(row) for row in report.rows)])


def seed_line(report: Report) -> str:
    """Say which seed was used, and for what."""
    purpose = "measuring" if report.seed_is_for == "test" else "choosing thresholds"
    return (
        f"Seed {report.plan.seed}, for {purpose} (below {FIRST_TEST_SEED}: choosing); "
        f"rules revision {report.rules_revision}."
    )


def _cells(row: Row) -> tuple[str, ...]:
    quality, setting = row.quality, row.setting
    shares = (_number(share, 3) for share in (quality.precision, quality.recall, quality.f1))
    others = (_number(quality.false_per_30_days, 2), _number(quality.latency_median_min, 0))
    rest = (_number(quality.latency_p90_min, 0), _number(quality.nab, 1), _number(quality.alerts_per_day, 3))
    return (row.rule, row.corpus, f"{setting.interval_min:g}", f"{setting.stickiness:g}", *shares, *others, *rest)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    rules = ["-" * width if column < WORDS else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    for row in (rows[0], tuple(rules), *rows[1:]):
        placed = enumerate(zip(row, widths, strict=True))
        cells = [cell.ljust(width) if column < WORDS else cell.rjust(width) for column, (cell, width) in placed]
        yield f"| {' | '.join(cells)} |"
