"""An evaluation as a picture: for each rule and corpus the shares, and the false episodes below, by interval."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from stream.evaluate.quality import Report, Row
from stream.evaluate.tables import seed_line

__all__ = ["svg"]

WIDTH, SHARES_H, FALSE_H = 190, 150, 70
LEFT, TOP, BETWEEN = 50, 110, 44
ROW_H: Final = SHARES_H + BETWEEN + FALSE_H + 60
SHARES: Final = (("precision", "#1b6ca8"), ("recall", "#d1495b"), ("f1", "#2e8b57"))
BAR: Final = "#8a8a8a"
LEAST_FALSE: Final = 1.0
"""The scale of false episodes reaches at least so far, so that a small figure looks small."""


def svg(report: Report) -> str:
    """Draw it. Full lines and dark bars are pings with independent errors, dashed and light ones repeat themselves."""
    rules = [
        [list(rows) for _, rows in groupby(of_rule, key=lambda row: row.corpus)]
        for _, of_rule in groupby(report.rows, key=lambda row: row.rule)
    ]
    worst = max([LEAST_FALSE, *(row.quality.false_per_30_days or 0.0 for row in report.rows)])
    width = LEFT + max(4, *map(len, rules)) * (WIDTH + BETWEEN)
    height = TOP + len(rules) * ROW_H
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(LEFT, 22, "Quality of the rules", size=16),
        _text(LEFT, 40, seed_line(report)),
        *_legend(LEFT, 62),
    ]
    for line, groups in enumerate(rules):
        for number, rows in enumerate(groups):
            left, top = LEFT + number * (WIDTH + BETWEEN), TOP + line * ROW_H
            parts.append(_text(left, top - 10, f"{rows[0].rule}: {rows[0].corpus}", size=13))
            parts += _shares(left, top, rows)
            parts += _false(left, top + SHARES_H + BETWEEN, rows, worst)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(x: int, y: int) -> Iterator[str]:
    for name, colour in SHARES:
        yield f'<line x1="{x}" y1="{y - 4}" x2="{x + 20}" y2="{y - 4}" stroke="{colour}" stroke-width="2"/>'
        yield _text(x + 25, y, "F1" if name == "f1" else name)
        x += 95
    yield _text(x, y, "full, dark: stickiness 0; dashed, light: 0.7")


def _shares(left: int, top: int, rows: Sequence[Row]) -> Iterator[str]:
    if all(row.quality.recall is None for row in rows):
        yield _text(left, top + SHARES_H / 2, "nothing true to find")
        return
    yield from _frame(left, top, SHARES_H, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")], rows)
    for name, colour in SHARES:
        for stickiness, of in _by_stickiness(rows):
            points = [
                (x, top + SHARES_H * (1.0 - getattr(row.quality, name)))
                for x, row in _placed(left, of)
                if getattr(row.quality, name) is not None
            ]
            dash = ' stroke-dasharray="5 3"' if stickiness else ""
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
            fill = "white" if stickiness else colour
            yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{fill}" stroke="{colour}"/>' for x, y in points)


def _false(left: int, top: int, rows: Sequence[Row], worst: float) -> Iterator[str]:
    yield from _frame(left, top, FALSE_H, [(0.0, "0"), (1.0, f"{worst:.1f}")], rows)
    yield _text(left, top - 8, "false episodes in 30 days", size=11)
    for number, (_, of) in enumerate(_by_stickiness(rows)):
        for x, row in _placed(left, of):
            high = FALSE_H * (row.quality.false_per_30_days or 0.0) / worst
            place = f'x="{x - 13 + 14 * number:.1f}" y="{top + FALSE_H - high:.1f}" width="12" height="{high:.1f}"'
            yield f'<rect {place} fill="{BAR}" fill-opacity="{1.0 - 0.5 * number}"/>'


def _frame(left: int, top: int, height: int, marks: Sequence[tuple[float, str]], rows: Sequence[Row]) -> Iterator[str]:
    for share, said in marks:
        y = top + height * (1.0 - share)
        yield f'<line x1="{left}" y1="{y:.1f}" x2="{left + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>'
        yield _text(left - 5, y + 4, said, anchor="end")
    for _, of in _by_stickiness(rows)[:1]:
        for x, row in _placed(left, of):
            yield _text(x, top + height + 15, f"{row.setting.interval_min:g} min", anchor="middle")


def _by_stickiness(rows: Sequence[Row]) -> list[tuple[float, list[Row]]]:
    ordered = sorted(rows, key=lambda row: (row.setting.stickiness, row.setting.interval_min))
    return [(stickiness, list(of)) for stickiness, of in groupby(ordered, key=lambda row: row.setting.stickiness)]


def _placed(left: int, rows: Sequence[Row]) -> Iterator[tuple[float, Row]]:
    step = WIDTH / len(rows)
    return ((left + step * (number + 0.5), row) for number, row in enumerate(rows))


def _text(x: float, y: float, said: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(said)}</text>'
