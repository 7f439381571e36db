"""`vigil evaluate`: an evaluation as lines for the terminal, and in the files that were asked for."""

import json
from collections.abc import Iterator
from pathlib import Path

from geofence.fences import load_fences
from schemas.errors import BadConfiguration
from schemas.rules import load_rules
from stream.evaluate.picture import svg
from stream.evaluate.quality import Plan, evaluate
from stream.evaluate.tables import lines
from stream.progress import progress
from stream.settings import Settings
from stream.simulate.county import DEMO

__all__ = ["run"]


def run(
    settings: Settings, plan: Plan, rules: Path | None, json_file: Path | None, picture: Path | None
) -> Iterator[str]:
    """
    Evaluate and give the table; the figures and the picture are written before its first line.

    Raises BadConfiguration for broken rules or fences, and for a file that cannot be written.
    """
    judged_by = load_rules(rules or settings.rules_file)
    fences = load_fences(settings.fences_file or DEMO / "fences.geojson")
    with progress("intervals", len(plan.intervals_min)) as bar:
        report = evaluate(plan, judged_by, fences, bar.step)
    if json_file is not None:
        _write(json_file, json.dumps(report.as_json(), indent=2) + "\n")
    if picture is not None:
        _write(picture, svg(report))
    return lines(report)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadConfiguration(path, f"cannot be written ({error.strerror})") from error
