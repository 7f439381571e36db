"""`python -m tests.simulation COUNT [rules] [FIRST]`: so many seeds, and the story of the first that went wrong."""

import sys
import time
from collections import Counter

from tests.simulation.run import simulate
from tests.simulation.supervision import Supervision
from tests.simulation.tally import Tally


def main() -> int:
    """Run the seeds; 1 when one of them finds damage."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument != "rules"]
    count, first = (*numbers, 0)[:2]
    rules = "rules" in sys.argv
    began, befell, wrong = time.perf_counter(), Counter[str](), 0
    for seed in range(first, first + count):
        outcome = simulate(seed, case=Supervision if rules else Tally)
        befell += outcome.befell
        if outcome.verdict.damage:
            wrong += 1
            if wrong == 1:
                sys.stdout.write("\n".join([*outcome.story, f"seed={seed} {outcome.verdict}", ""]))
            else:
                sys.stdout.write(f"seed={seed} {str(outcome.verdict).splitlines()[0]}\n")
    took = time.perf_counter() - began
    sys.stdout.write(f"{count} runs in {took:.1f} s, {wrong} with damage; {dict(befell)}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
