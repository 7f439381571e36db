"""
`make bench`: what Vigil costs on this machine, on a real Kafka, in one run.

    python -m tests.bench [--quick] [--only PART,PART] [--supervisees N] [--pings N] [--profile DIR]

The broker has the first core, one measured process at a time the last. Records are in their topics before a clock
starts. The figures go to build/bench.json; the run fails when the worker's episodes are not those of a replay.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from tests.bench import county, machine, parts, report

RESULT = machine.ROOT / "build" / "bench.json"


def main() -> int:
    """Read the options, run the parts, print and write what they found."""
    wanted = _options()
    names = wanted.only.split(",") if wanted.only else [part.__name__ for part in parts.PARTS]
    chosen = [part for part in parts.PARTS if part.__name__ in names]
    supervisees = wanted.supervisees or (2_000 if wanted.quick else 20_000)
    pings = wanted.pings or (60_000 if wanted.quick else 1_000_000)
    busy = os.getloadavg()[0]
    report.say(f"{machine.hardware()}; {busy:.1f} processes of others want to run")
    report.say(f"drawing {pings:,} pings of {supervisees:,} supervisees")
    drawn = county.draw(supervisees, pings)
    figures = {
        "supervisees": supervisees,
        "pings": pings,
        "mean_ping_bytes": sum(map(len, drawn.values)) / pings,
        "in_curfew_share": drawn.in_curfew,
        "load_before": busy,
    }
    if wanted.profile:
        wanted.profile.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with machine.kafka() as bootstrap:
        county.save(drawn, parts.INPUT)
        run = parts.Run(bootstrap, drawn, wanted.quick, wanted.profile, figures, {}, {})
        for part in chosen:
            report.say(f"{part.__name__}: {(part.__doc__ or '').splitlines()[0]}")
            try:
                part(run)
            except machine.ChildError as error:
                failed.append(part.__name__)
                report.say(str(error))
    report.show(run)
    RESULT.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", "utf-8")
    report.say(f"written to {RESULT}")
    if figures.get("episodes_missing") or figures.get("episodes_extra"):
        report.say("the worker's episodes are not those of the replay")
        return 1
    if failed:
        report.say(f"failed: {', '.join(failed)}")
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure Vigil on this machine.")
    known = ", ".join(part.__name__ for part in parts.PARTS)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that everything runs")
    parser.add_argument("--only", metavar="PARTS", help=f"of {known}")
    parser.add_argument("--supervisees", type=int, metavar="N")
    parser.add_argument("--pings", type=int, metavar="N")
    parser.add_argument("--profile", type=Path, metavar="DIR", help="cProfile of the worker, which slows it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
