"""
A folder of recorded lives: `traces.parquet`, and beside it `subjects.csv` with the residences.

The trap: the folder is somebody else's. Columns may be missing, rows unsorted or doubled, a residence not given; what
cannot be used is refused with its file and reason, and nothing about the people is taken for granted.
"""

import csv
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geofence.plane import to_plane
from schemas.errors import BadConfiguration
from stream.evaluate.tracks import Floats, Times, Track
from stream.simulate.lives import DAY, HOUR, Place
from stream.simulate.people import CENTRE

__all__ = ["read_tracks"]

TRACES: Final = "traces.parquet"
SUBJECTS: Final = "subjects.csv"
COLUMNS: Final = ("subject", "t", "lon", "lat", "stay_until")
NEAR_M: Final = 50_000.0
LEAST_DAYS: Final = 1.0
"""A person of whom less is known tells nothing."""
CELL_M: Final = 250.0
UTC8_MS: Final = 8 * HOUR

Rows = dict[str, NDArray[Any]]


def read_tracks(folder: Path) -> list[Track]:
    """
    Read everybody of whom at least a day is known, each on the plane of the same origin.

    Raises BadConfiguration with the file and the reason when the folder is not there or not of this form.
    """
    rows = _rows(folder / TRACES)
    homes = _homes(folder / SUBJECTS)
    origin = _origin(rows, homes)
    tracks = []
    for subject in sorted(set(rows["subject"].tolist())):
        track = _track(
            subject, {name: column[rows["subject"] == subject] for name, column in rows.items()}, homes, origin
        )
        if track.days() >= LEAST_DAYS:
            tracks.append(track)
    if not tracks:
        raise BadConfiguration(folder / TRACES, "holds nobody of whom a day is known")
    return tracks


def _rows(path: Path) -> Rows:
    try:
        import duckdb  # noqa: PLC0415 - an extra, and only this verb needs it
    except ModuleNotFoundError as error:
        raise BadConfiguration(path, "needs duckdb to be read: pip install 'vigil[evaluate]'") from error
    if not path.exists():
        raise BadConfiguration(path, "there is no such file")
    query = f"SELECT DISTINCT subject::VARCHAR AS subject, {', '.join(COLUMNS[1:])} FROM read_parquet(?) ORDER BY ALL"  # noqa: S608 - our own names
    try:
        with duckdb.connect() as connection:
            found = connection.execute(query, [str(path)]).fetchnumpy()
    except duckdb.Error as error:
        raise BadConfiguration(path, f"has not the form of traces ({str(error).splitlines()[0]})") from error
    whole = ~np.any([np.ma.getmaskarray(column) for column in found.values()], axis=0)
    try:
        rows = {name: np.asarray(found[name])[whole] for name in COLUMNS[:1]}
        rows |= {name: np.asarray(found[name])[whole].astype(np.int64) * 1000 for name in ("t", "stay_until")}
        rows |= {name: np.asarray(found[name])[whole].astype(np.float64) for name in ("lon", "lat")}
    except (TypeError, ValueError) as error:
        raise BadConfiguration(path, f"holds a column that is no number ({error})") from error
    good = (np.abs(rows["lon"]) <= 180) & (np.abs(rows["lat"]) <= 90)  # noqa: PLR2004 - degrees
    if not good.any():
        raise BadConfiguration(path, "holds no position")
    return {name: column[good] for name, column in rows.items()}


def _homes(path: Path) -> dict[str, tuple[float, float]]:
    """Give the residences that the file names; none where there is no file."""
    if not path.exists():
        return {}
    homes = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                try:
                    homes[row["subject"]] = (float(row["home_lon"]), float(row["home_lat"]))
                except (KeyError, TypeError, ValueError):
                    continue
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(path, f"cannot be read ({error})") from error
    return {subject: home for subject, home in homes.items() if np.isfinite(home).all()}


def _origin(rows: Rows, homes: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """Give the middle of the city, or that of these people where they live elsewhere."""
    points = np.array(list(homes.values())) if homes else np.column_stack((rows["lon"], rows["lat"]))
    lon, lat = np.median(points, axis=0).tolist()
    away = np.hypot(*to_plane(lon, lat, *CENTRE))
    return CENTRE if away < NEAR_M else (lon, lat)


def _track(subject: str, rows: Rows, homes: dict[str, tuple[float, float]], origin: tuple[float, float]) -> Track:
    first = np.concatenate(([True], np.diff(rows["t"]) > 0))  # of points at one time the first
    time_ms, until_ms = rows["t"][first], rows["stay_until"][first]
    x, y = to_plane(rows["lon"][first], rows["lat"][first], *origin)
    until_ms = np.minimum(until_ms, np.append(time_ms[1:], until_ms[-1]))
    given = homes.get(subject)
    home = _by_night(time_ms, x, y, until_ms) if given is None else _place(*to_plane(*given, *origin))
    return Track(subject, origin, home, time_ms, x, y, until_ms)


def _by_night(time_ms: Times, x: Floats, y: Floats, until_ms: Times) -> Place:
    """Give the place where most of the nights are spent: the middle of the fullest square of 250 m."""
    lasts = np.maximum(np.append(np.minimum(np.diff(time_ms), HOUR // 6), 0), until_ms - time_ms)
    hour = (time_ms + UTC8_MS) % DAY // HOUR
    weight = lasts * np.where((hour >= 22) | (hour < 8), 10.0, 1.0)  # noqa: PLR2004 - the hours of the night
    squares, at = np.unique(np.column_stack((x, y)) // CELL_M, axis=0, return_inverse=True)
    within = at.ravel() == np.bincount(at.ravel(), weight, len(squares)).argmax()
    return _place(np.median(x[within]), np.median(y[within]))


def _place(x: Any, y: Any) -> Place:  # noqa: ANN401 - NumPy scalars
    return Place(float(x), float(y))
