"""Windows: the rows of one partition, their copies, and their bytes."""

import numpy as np
import pytest

from detectors.pings import NEVER
from detectors.window import Columns, Window
from detectors.windows import COPIES, NO_COPY, Windows
from schemas.errors import BadState
from tests.detectors.watched import detectors

ROW = np.array([0])


def rows(count: int) -> Windows:
    """A store with so many people."""
    windows = Windows(detectors())
    for row in range(count):
        windows.add(f"lz-{row}")
    return windows


def opened(windows: Windows, *at: int) -> Window:
    """Rows as columns, with a plan that says nothing."""
    plan: Columns = {"flags": np.zeros(len(at), np.uint8)}
    return windows.checkout(np.array(at), plan)


def heard(windows: Windows, row: int, time_ms: int) -> None:
    """The newest ping of a row is that one now."""
    window = opened(windows, row)
    window["core"]["newest_ms"][0] = time_ms
    windows.checkin(window)


def test_a_new_row_is_zero_but_for_its_serial() -> None:
    """Nothing is due; it is dirty, and its first copy is this very state."""
    windows = rows(3)
    assert [1, 2, 3] == windows.hot["core"]["serial"][:3].tolist()
    windows.hot["core"]["serial"] = 0
    assert not any(windows.hot[:3].tobytes())
    assert ([NEVER] * 3, [True] * 3) == (windows.due[:3].tolist(), windows.dirty[:3].tolist())
    assert [0, NO_COPY, NO_COPY] == sorted(windows.copied[0].tolist(), reverse=True)


def test_a_row_is_small() -> None:
    """At most 650 bytes, four times for each person: that is what the memory of a worker is planned by."""
    assert Windows(detectors()).layout.itemsize <= 650


def test_a_row_used_again_has_a_new_serial() -> None:
    """Its number is that of the one who left, its name in the changelog is not."""
    windows = rows(2)
    heard(windows, 0, 500)
    windows.remove(0)
    assert (1, {"lz-1": 1}) == (len(windows), windows.index)
    assert (0, 3) == (windows.add("lz-9"), windows.hot["core"]["serial"][0])
    assert 0 == windows.frontier(ROW)[0]
    assert [0, NO_COPY, NO_COPY] == sorted(windows.copied[0].tolist(), reverse=True)


def test_the_store_grows() -> None:
    """Rows keep what they hold while others are added."""
    windows = rows(1)
    heard(windows, 0, 500)
    for number in range(1, 200):
        windows.add(f"lz-{number}")
    assert (200, 500, 0) == (len(windows), windows.frontier(ROW)[0], windows.frontier(ROW + 199)[0])


def test_columns_written_back_come_out_again() -> None:
    """Every column of every owner, for rows that lie apart, and no other row is touched."""
    windows = rows(5)
    window = opened(windows, 3, 1)
    draw = np.random.default_rng(2)
    for owner in windows.layout.names or ():
        for array in window[owner].values():
            array[:] = draw.integers(1, 100, array.shape)
    windows.checkin(window)
    again = opened(windows, 1, 3)
    for owner in windows.layout.names or ():
        for name, array in window[owner].items():
            assert array[::-1].tolist() == again[owner][name].tolist(), (owner, name)
    assert 0 == windows.frontier(np.array([0, 2, 4])).sum()


def test_checked_out_columns_are_copies() -> None:
    """Until they are written back the store is as it was."""
    windows = rows(1)
    opened(windows, 0)["core"]["newest_ms"][0] = 5
    assert 0 == windows.frontier(ROW)[0]


def test_the_frontier_is_the_newest_ping_or_the_last_deadline() -> None:
    """Whichever is later."""
    windows = rows(2)
    windows.hot["core"]["newest_ms"][:2], windows.hot["core"]["fired_ms"][:2] = [5, 8], [7, 3]
    assert [7, 8] == windows.frontier(np.array([0, 1])).tolist()


def test_a_copy_takes_the_place_of_the_oldest() -> None:
    """As many are kept as there are slots."""
    windows = rows(1)
    for time_ms in (10, 20, 30):
        heard(windows, 0, time_ms)
        windows.copy(ROW)
    assert ([10, 20, 30], COPIES) == (sorted(windows.copied[0].tolist()), len(windows.copied[0]))
    heard(windows, 0, 40)
    windows.copy(ROW)
    assert [20, 30, 40] == sorted(windows.copied[0].tolist())


def test_a_row_ages_when_its_newest_copy_lies_back() -> None:
    """By the spacing, at the time at which it goes on; and only if anything happened since."""
    windows = rows(2)
    heard(windows, 0, 100)
    windows.copy(ROW)
    both = np.array([0, 1])
    assert [] == windows.ageing(both, np.array([10_000, 10_000]), 50).tolist()
    heard(windows, 0, 110)
    assert [] == windows.ageing(both, np.array([149, 149]), 50).tolist()
    assert [0] == windows.ageing(both, np.array([150, 150]), 50).tolist()


def test_a_row_ages_from_the_first_ping_after_its_newest_copy() -> None:
    """Else a copy of long before would be followed by another at once, and three would not reach over two spacings."""
    windows = with_copies(100)
    windows.hear(ROW, np.array([1_000]))
    heard(windows, 0, 1_010)
    assert [] == windows.ageing(ROW, np.array([1_049]), 50).tolist()
    assert [0] == windows.ageing(ROW, np.array([1_050]), 50).tolist()


def test_what_lies_before_the_oldest_copy_is_settled() -> None:
    """Nothing of a new row is, and everything of a row without a copy."""
    assert 0 == rows(1).settled_ms(0) == with_copies(100, 200).settled_ms(0)
    windows = with_copies(100, 200, 300)
    assert 100 == windows.settled_ms(0)
    windows.copied[0] = NO_COPY
    assert NEVER == windows.settled_ms(0)


def usable(windows: Windows, floor_ms: int) -> list[int]:
    """The copies of the first row that can be run again from, by their time."""
    return sorted(windows.copied[0][windows.usable(ROW, floor_ms)[0]].tolist())


def with_copies(*times_ms: int) -> Windows:
    """One row with a ping and then a copy at each time."""
    windows = rows(1)
    for time_ms in times_ms:
        windows.hear(ROW, np.array([time_ms]))
        heard(windows, 0, time_ms)
        windows.copy(ROW)
    return windows


def test_a_copy_is_usable_while_all_pings_since_are_known() -> None:
    """The first ping after it is later than all that was forgotten, or none came since."""
    windows = with_copies(100, 200)
    assert [0, 100, 200] == usable(windows, 99)
    assert [100, 200] == usable(windows, 100)
    assert [100, 200] == usable(windows, 199)
    assert [200] == usable(windows, 200) == usable(windows, 10_000)
    windows.hear(ROW, np.array([300]))
    assert [200] == usable(windows, 299)
    assert [] == usable(windows, 300)


def test_a_new_copy_is_followed_by_nothing() -> None:
    """Also in the place of one that was."""
    assert [300] == usable(with_copies(100, 200, 300), 10_000)


def test_a_late_ping_follows_the_copies_before_it() -> None:
    """It is the first after them now, unless another was sooner."""
    windows = with_copies(100, 200)
    windows.hear(ROW, np.array([150]))
    assert [200] == usable(windows, 150)
    assert [100, 200] == usable(windows, 149)


def test_what_follows_a_copy_is_written_with_it() -> None:
    """A late ping makes the copies before it dirty, and a load knows what followed them."""
    windows = with_copies(100, 200)
    records = {key.decode(): value for key, value in windows.take_dirty() if value}
    windows.hear(ROW, np.array([150]))
    written = {key.decode(): value for key, value in windows.take_dirty() if value}
    assert [str(windows.copied[0].tolist().index(100))] == [key[0] for key in written]
    records |= written
    again = Windows(detectors())
    again.load(["lz-0"], [records["h:lz-0"]], [([0], [records[f"{slot}:lz-0"]]) for slot in range(COPIES)])
    assert windows.follows[0].tolist() == again.follows[0].tolist()
    assert ([200], [100, 200]) == (usable(again, 150), usable(again, 149))


def test_a_restored_row_is_run_again_before_anything_follows_it() -> None:
    """What followed the copies that went is forgotten with them; what follows the copy itself stays."""
    windows = with_copies(100, 200)
    windows.hear(ROW, np.array([300]))
    windows.restore(ROW, np.array([windows.copied[0].tolist().index(100)]))
    follows = dict(zip(windows.copied[0].tolist(), windows.follows[0].tolist(), strict=True))
    assert {NO_COPY: 0, 0: 100, 100: 200} == follows


def test_a_restored_row_keeps_what_is_not_the_rules_own() -> None:
    """Check-ins counted since are those of today; what the rules knew is that of then."""
    windows = with_copies(100)
    slots = windows.copied[ROW].argmax(axis=1)
    heard(windows, 0, 200)
    windows.count("lz-0", "checkin")
    windows.restore(ROW, slots)
    core = windows.hot["core"]
    assert (1, 100, 1) == tuple(int(core[n][0]) for n in ("serial", "newest_ms", "checkins"))


def test_copies_that_know_the_past_wrong_go() -> None:
    """Those after the one that was restored, and they are written as gone."""
    windows = with_copies(100, 200)
    windows.take_dirty()
    windows.restore(ROW, np.array([windows.copied[0].tolist().index(100)]))
    assert [NO_COPY, 0, 100] == sorted(windows.copied[0].tolist())
    assert [None] == [value for key, value in windows.take_dirty() if key[:1].isdigit()]


def test_checkins_and_dispositions_are_counted() -> None:
    """Of people without a row nothing is kept."""
    windows = rows(1)
    windows.take_dirty()
    for what in ("checkin", "checkin", "disposition"):
        windows.count("lz-0", what)
    windows.count("nobody", "checkin")
    core = windows.hot["core"]
    assert (2, 1) == tuple(int(core[n][0]) for n in ("checkins", "dispositions"))
    assert [b"h:lz-0"] == [key for key, _ in windows.take_dirty()]


def test_dirty_is_what_changed_since() -> None:
    """A row, a copy, and a copy that is no more."""
    windows = rows(2)
    assert {b"h:lz-0", b"0:lz-0", b"h:lz-1", b"0:lz-1"} == {key for key, _ in windows.take_dirty()}
    assert [] == windows.take_dirty()
    heard(windows, 1, 100)
    windows.copy(ROW + 1)
    assert [b"h:lz-1", b"1:lz-1"] == [key for key, _ in windows.take_dirty()]
    heard(windows, 1, 200)
    windows.copy(ROW + 1)
    windows.take_dirty()
    windows.restore(ROW + 1, np.array([1]))
    assert {b"2:lz-1": None} == {key: value for key, value in windows.take_dirty() if value is None}


def test_what_was_written_is_loaded() -> None:
    """Rows, copies and the next serial."""
    windows = rows(3)
    heard(windows, 2, 100)
    windows.copy(ROW + 2)
    heard(windows, 2, 200)
    records = {key.decode(): value for key, value in windows.take_dirty() if value}
    again = Windows(detectors())
    names = [f"lz-{row}" for row in range(3)]
    kept = [[row for row in range(3) if f"{slot}:{names[row]}" in records] for slot in range(COPIES)]
    copies = [(at, [records[f"{slot}:{names[row]}"] for row in at]) for slot, at in enumerate(kept)]
    again.load(names, [records[f"h:{name}"] for name in names], copies)
    assert len(records) == windows.records == again.records
    assert windows.hot[:3].tobytes() == again.hot[:3].tobytes()
    assert windows.copied[:3].tolist() == again.copied[:3].tolist()
    assert 4 == again.hot["core"]["serial"][again.add("lz-3")]


@pytest.mark.parametrize(
    ("mark", "length"), [(b"\0\0\0\0", 0), (b"", -1), (b"", 1)], ids=["fingerprint", "shorter", "longer"]
)
def test_another_layout_is_refused(mark: bytes, length: int) -> None:
    """By its fingerprint and its length; never taken for an empty start."""
    (_, value), *_ = rows(1).take_dirty()
    spoiled = mark + (value or b"")[len(mark) :]
    spoiled = spoiled[:-1] if length < 0 else spoiled + bytes(length)
    with pytest.raises(BadState, match="another layout"):
        Windows(detectors()).load(["lz-0"], [spoiled], [])


def test_the_fingerprint_is_that_of_the_columns() -> None:
    """One rule less is another layout."""
    assert Windows(detectors()).fingerprint == rows(1).fingerprint
    assert Windows(detectors()).fingerprint != Windows(detectors()[1:]).fingerprint
