"""Recorded lives made up for tests: a folder as `vigil evaluate --corpus` reads it, and a track of one person."""

from pathlib import Path

import duckdb
import numpy as np

from stream.evaluate.tracks import Track
from stream.simulate.lives import DAY, HOUR, MINUTE, Place
from stream.simulate.people import CENTRE

MONDAY = 1_772_380_800_000
"""Monday 2026-03-02, 00:00 local time."""
HOME = (109.43, 24.34)
AWAY = (109.44, 24.34)
"""1,015 m east of it."""
ROW = "('S1', {t}, {lon}, {lat}, {stay})"


def night_out(days: int = 4) -> str:
    """Give rows of a person who is at home, but away from 23:00 to 01:00 each night; ten minutes on the way."""
    rows = []
    for day in range(days):
        at_s = (MONDAY + day * DAY) // 1000
        rows += [
            ROW.format(t=at_s + 3_600, lon=HOME[0], lat=HOME[1], stay=at_s + 82_200),
            ROW.format(t=at_s + 82_800, lon=AWAY[0], lat=AWAY[1], stay=at_s + 89_400),
        ]
    return ", ".join(rows)


def folder(
    path: Path, rows: str | None = None, subjects: str | None = "subject,home_lon,home_lat\nS1,109.43,24.34\n"
) -> Path:
    """Write a folder of recorded lives."""
    with duckdb.connect() as connection:
        named = "AS lives(subject, t, lon, lat, stay_until)"
        query = (
            f"COPY (SELECT * FROM (VALUES {rows or night_out()}) {named}) TO '{path}/traces.parquet' (FORMAT parquet)"  # noqa: S608 - made here
        )
        connection.execute(query)
    if subjects is not None:
        (path / "subjects.csv").write_text(subjects, encoding="utf-8")
    return path


def at_home(hours: int = 48) -> Track:
    """Give somebody who never leaves."""
    begin = np.array([MONDAY])
    return Track("S1", CENTRE, Place(0, 0), begin, np.zeros(1), np.zeros(1), begin + hours * HOUR)


def resting(*stays: tuple[int, int, float]) -> Track:
    """Give somebody who is at places so many metres east of home, each from one minute to another."""
    since, until, x = (np.array(column) for column in zip(*stays, strict=True))
    return Track(
        "S1", CENTRE, Place(0, 0), MONDAY + since * MINUTE, x.astype(float), np.zeros(len(x)), MONDAY + until * MINUTE
    )
