"""Recorded lives as others wrote them: read, or refused with the file and the reason."""

import sys
from pathlib import Path

import pytest

from geofence.plane import to_plane
from schemas.errors import BadConfiguration
from stream.evaluate.folder import read_tracks
from stream.simulate.people import CENTRE
from tests.stream.lives import AWAY, HOME, MONDAY, folder, night_out


def test_a_folder_is_read(tmp_path: Path) -> None:
    """One person, at home where the file of subjects says, and away for two hours each night."""
    (track,) = read_tracks(folder(tmp_path))
    x, _, known = track.at(track.time_ms)

    assert to_plane(*HOME, *CENTRE) == pytest.approx(track.home)
    assert float(to_plane(*AWAY, *CENTRE)[0]) == pytest.approx(x[1])
    assert known.all()
    assert MONDAY + 3_600_000 == track.time_ms[0]


@pytest.mark.parametrize("subjects", [None, "subject,home_lon,home_lat\nS1,,\n", "who,where\nS1,there\n"])
def test_without_a_residence_it_is_where_most_nights_are_spent(tmp_path: Path, subjects: str | None) -> None:
    """No file, no numbers in it, or other columns: the place with the most hours of the night is home."""
    (track,) = read_tracks(folder(tmp_path, subjects=subjects))

    assert to_plane(*HOME, *CENTRE) == pytest.approx(track.home)


def test_rows_out_of_order_doubled_and_without_a_position_do_no_harm(tmp_path: Path) -> None:
    """The same life comes out."""
    shuffled = ", ".join(
        [*night_out().split(", ('")[:0], night_out(), night_out(2), "('S1', 1772400000, NULL, 24.3, 0)"]
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (one,), (other,) = read_tracks(folder(tmp_path / "a")), read_tracks(folder(tmp_path / "b", shuffled))

    assert one.time_ms.tolist() == other.time_ms.tolist()
    assert one.x.tolist() == other.x.tolist()


def test_people_who_live_elsewhere_have_a_plane_of_their_own(tmp_path: Path) -> None:
    """Far from the city the origin is in their middle, or metres would be wrong."""
    rows = f"('S1', {MONDAY // 1000}, 87.6, 43.8, {MONDAY // 1000 + 172_800})"
    (track,) = read_tracks(folder(tmp_path, rows, "subject,home_lon,home_lat\nS1,87.6,43.8\n"))

    assert (87.6, 43.8) == pytest.approx(track.origin)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, r"traces\.parquet: there is no such file"),
        (b"nonsense", r"traces\.parquet: has not the form of traces"),
    ],
)
def test_a_folder_that_is_none_is_refused_by_its_file(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """The file that is missing or wrong is named."""
    if content is not None:
        (tmp_path / "traces.parquet").write_bytes(content)

    with pytest.raises(BadConfiguration, match=reason):
        read_tracks(tmp_path)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("('S1', 1772380800, 109.4, 24.3, 0)", "holds nobody of whom a day is known"),
        ("('S1', 1772380800, 999.0, 24.3, 0)", "holds no position"),
        ("('S1', 'noon', 109.4, 24.3, 0)", "holds a column that is no number"),
    ],
)
def test_rows_that_say_nothing_are_refused(tmp_path: Path, rows: str, reason: str) -> None:
    """Too little, nowhere on earth, or no numbers."""
    with pytest.raises(BadConfiguration, match=reason):
        read_tracks(folder(tmp_path, rows))


def test_without_the_reader_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's installation lacks it, and says how to get it."""
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(BadConfiguration, match=r"vigil\[evaluate\]"):
        read_tracks(tmp_path)
