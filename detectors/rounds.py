"""Rounds and deadlines: how rules see time pass, whatever the cut of the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.ghosts import note
from detectors.pings import Batch, Fixes, picked, positions
from detectors.window import AUTHORISED, CURFEW, EDGE, EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.findings import Finding
    from detectors.pings import Column
    from detectors.plans import Plans
    from detectors.window import Detector, Window


class Rounds:
    """
    The rules over a window: each ping in its turn, and before it every deadline that lies before it, at its own time.

    At equal times an edge of the order comes first, then the ping, then what silence brings about: a ping at the very
    limit still counts as heard.
    """

    def __init__(self, detectors: Sequence[Detector], plans: Plans) -> None:
        self.detectors = detectors
        self.plans = plans

    def due(self, window: Window) -> Column:
        """When silence alone changes something of each row, edges of the order left out."""
        due = self.detectors[0].due(window)
        for detector in self.detectors[1:]:
            due = np.minimum(due, detector.due(window))
        return due

    def run(self, window: Window, pings: Column, starts: Column, counts: Column) -> list[Finding]:
        """
        Observe pings round by round; those of row i are `counts[i]` long from `starts[i]`, in order.

        `counts` must fall from row to row, so that each round is a head of the window.
        """
        found: list[Finding] = []
        alive = np.searchsorted(-counts, -np.arange(counts[0] if len(counts) else 0), "left")
        owner = np.empty(len(pings), np.int64)
        owner[np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(len(pings))] = np.repeat(
            np.arange(len(starts)), counts
        )
        batch = Batch(pings, owner)
        for turn, rows in enumerate(alive.tolist()):
            head, at = window.head(rows), starts[:rows] + turn
            part = picked(pings, at)
            found += self.pass_time(head, part["time_ms"])
            fixes = Fixes(part, *head.plane(part["lon"], part["lat"]), batch, at)
            before = len(found)
            for detector in self.detectors:
                found += detector.observe(head, fixes)
            if len(found) > before:
                note(head, found[before:])
            head["core"]["newest_ms"][:] = fixes.time_ms
        return found

    def pass_time(self, window: Window, until_ms: Column, *, silence: bool = False) -> list[Finding]:
        """
        Fire what lies before `until_ms`, one time for each row; edges at that time too.

        With `silence` there is no ping at that time, so deadlines at it are fired as well.
        """
        found: list[Finding] = []
        rows = self._ripe(window, until_ms, silence=silence)
        if not len(rows):
            return found
        part, until_ms = window.take(rows), until_ms[rows]
        ripe = np.arange(len(rows))
        while len(ripe):
            some = part if len(ripe) == len(part) else part.take(ripe)
            found += self._fire(some)
            if some is not part:
                part.put(ripe, some)
            ripe = self._ripe(part, until_ms, silence=silence)
        window.put(rows, part)
        return found

    def end(self, window: Window, now_ms: Column) -> list[Finding]:
        """The orders of the rows end: an edge at which nothing is asked of them any more."""
        plan, asked = window.plan, AUTHORISED | CURFEW | EVIDENCE
        plan["turned"][:] = EDGE | (plan["flags"] & asked)
        plan["flags"] &= ~np.uint32(asked)
        return [finding for detector in self.detectors for finding in detector.fire(window, now_ms)]

    def _ripe(self, window: Window, until_ms: Column, *, silence: bool) -> Column:
        due = self.due(window)
        return positions((window.plan["change_ms"] <= until_ms) | (due < until_ms) | (silence & (due <= until_ms)))

    def _fire(self, window: Window) -> list[Finding]:
        """The next edge or deadline of each row. A deadline that was past when it came about is fired where it did."""
        core, due, edge = window["core"], self.due(window), window.plan["change_ms"]
        moment = np.minimum(edge, np.maximum(due, np.maximum(core["newest_ms"], core["fired_ms"])))
        self.plans.advance(window, edge <= moment)
        found: list[Finding] = []
        for detector in self.detectors:
            found += detector.fire(window, moment)
        note(window, found)
        core["fired_ms"][:] = np.maximum(core["fired_ms"], moment)
        return found
