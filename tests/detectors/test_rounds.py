"""Rounds: what comes before what, seen by a rule that only takes notes."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.findings import Finding
from detectors.pings import NEVER, Column, Fixes, make
from detectors.rounds import Rounds
from detectors.window import AUTHORISED, CURFEW, DAY, EDGE, EVIDENCE, Columns, Window
from detectors.windows import Windows
from tests.detectors.watched import HOUR, fix, on, plans_of
from tests.factories import curfew, order

WAIT_MS: Final = 2 * HOUR
BELL_MS: Final = HOUR


class Notes:
    """A rule whose deadline lies two hours after each ping and each edge, and a bell an hour after that, once."""

    name = "notes"
    columns = np.dtype([("due_ms", "i8"), ("rung", "u1")])

    def __init__(self) -> None:
        self.taken: list[tuple[int, str, int]] = []

    def observe(self, window: Window, fixes: Fixes) -> list[Finding]:
        """Note the pings."""
        for row, time_ms in zip(window.rows.tolist(), fixes.time_ms.tolist(), strict=True):
            self.taken.append((row, "ping", time_ms))
        window["notes"]["due_ms"][:], window["notes"]["rung"][:] = fixes.time_ms + WAIT_MS, 0
        return []

    def due(self, window: Window) -> NDArray[np.int64]:
        """Two hours after the last ping."""
        own = window["notes"]
        return np.where((own["due_ms"] > 0) & (own["rung"] < 2), own["due_ms"], NEVER)

    def fire(self, window: Window, now_ms: Column) -> list[Finding]:
        """Note edges and deadlines."""
        own, edges = window["notes"], window.plan["turned"] & ~np.uint8(DAY | EDGE)
        for k, (row, time_ms) in enumerate(zip(window.rows.tolist(), now_ms.tolist(), strict=True)):
            if edges[k]:
                self.taken.append((row, "edge", time_ms))
            if self.due(window)[k] <= time_ms:
                self.taken.append((row, "deadline", time_ms))
                own["rung"][k] += 1
                own["due_ms"][k] += BELL_MS
        return []


class Table:
    """Rows of people with a curfew from 22:00 to 08:00, of which the notes are taken."""

    def __init__(self, *first_ms: int) -> None:
        self.notes = Notes()
        self.plans = plans_of(*[order(curfew=curfew())] * len(first_ms))
        self.rounds = Rounds([self.notes], self.plans)
        windows, rows = Windows([self.notes]), np.arange(len(first_ms))
        for row in rows:
            windows.add(f"lz-{row}")
        plan: Columns = self.plans.placed(rows, np.array(first_ms))
        self.window = windows.checkout(rows, plan)

    def run(self, *times_ms: list[int]) -> list[tuple[int, str, int]]:
        """Pings of each row; the first has the most."""
        counts = np.array([len(times) for times in times_ms])
        pings = make([fix(time_ms) for times in times_ms for time_ms in times])
        self.rounds.run(self.window, pings, np.cumsum(counts) - counts, counts)
        return self.taken()

    def wait(self, *until_ms: int, silence: bool = True) -> list[tuple[int, str, int]]:
        """Time passes up to a time for each row."""
        self.rounds.pass_time(self.window, np.array(until_ms), silence=silence)
        return self.taken()

    def taken(self) -> list[tuple[int, str, int]]:
        """The notes since the last call."""
        taken, self.notes.taken = self.notes.taken, []
        return taken


def test_everything_comes_in_the_order_of_time() -> None:
    """Edges and deadlines before a ping lie before it, each at its own time."""
    expected = [("ping", "18:00"), ("deadline", "20:00"), ("edge", "21:00"), ("deadline", "21:00")]
    expected += [("edge", "22:00"), ("ping", "22:30")]
    assert [(0, what, on(when)) for what, when in expected] == Table(on("18:00")).run([on("18:00"), on("22:30")])


def test_an_edge_comes_before_a_ping_at_the_same_time() -> None:
    """The ping is judged by what begins there."""
    table = Table(on("21:30"))
    assert [(0, "ping", on("21:30")), (0, "edge", on("22:00")), (0, "ping", on("22:00"))] == table.run(
        [on("21:30"), on("22:00")]
    )


def test_a_ping_comes_before_a_deadline_at_the_same_time() -> None:
    """Who is heard of at the very limit is heard of, so that deadline never comes."""
    assert [(0, "ping", on("10:00")), (0, "ping", on("12:00"))] == Table(on("10:00")).run([on("10:00"), on("12:00")])


def test_one_ms_later_the_deadline_was_first() -> None:
    """At its own time, not at that of the ping."""
    assert (0, "deadline", on("12:00")) == Table(on("10:00")).run([on("10:00"), on("12:00") + 1])[1]


def test_silence_fires_a_deadline_at_the_very_time() -> None:
    """There is no ping that it could give way to."""
    table = Table(on("10:00"))
    table.run([on("10:00")])
    assert [] == table.wait(on("12:00"), silence=False)
    assert [(0, "deadline", on("12:00"))] == table.wait(on("12:00"))
    assert [] == table.wait(on("12:00"))


def test_one_that_is_due_long_ago_fires_step_by_step() -> None:
    """A tick after hours finds every level at its own time."""
    table = Table(on("10:00"))
    table.run([on("10:00")])
    assert [(0, "deadline", on("12:00")), (0, "deadline", on("13:00"))] == table.wait(on("19:00"))


def test_each_row_has_its_own_time() -> None:
    """Rows of one round may lie hours apart; those with fewer pings fall out of the later rounds."""
    table = Table(on("10:00"), on("18:00"))
    taken = table.run([on("10:00"), on("12:30"), on("12:40")], [on("18:00")])
    assert ["ping", "deadline", "ping", "ping"] == [what for row, what, _ in taken if row == 0]
    assert [(1, "ping", on("18:00"))] == [note for note in taken if note[0] == 1]
    taken = table.wait(on("14:00"), on("20:00"))
    assert [(1, "deadline", on("20:00"))] == taken


def test_what_a_row_has_seen_is_remembered() -> None:
    """The newest ping, and the last deadline or edge."""
    table = Table(on("10:00"))
    table.run([on("10:00"), on("10:20")])
    table.wait(on("13:00"))
    core = table.window["core"]
    assert (on("10:20"), on("12:20")) == (core["newest_ms"][0], core["fired_ms"][0])


def test_the_end_of_an_order_is_an_edge_of_everything_it_asked() -> None:
    """What was on turns off, so that every rule closes as it would at any other edge."""
    table = Table(on("23:00"))
    table.rounds.end(table.window, np.array([on("23:30")]))
    assert [(0, "edge", on("23:30"))] == table.taken()
    for flag in (AUTHORISED, CURFEW, EVIDENCE):
        assert [True] == table.window.went(flag, on=False).tolist()


def test_no_row_is_no_round() -> None:
    """An empty batch finds nothing."""
    table = Table(on("10:00"))
    assert [] == table.rounds.run(table.window.head(0), make([]), np.zeros(0, np.int64), np.zeros(0, np.int64))
