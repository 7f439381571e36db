"""
How good alerts are, measured with the real engine on labelled corpora, and against what a simulated feed scripted.

The trap: a figure that was looked at while thresholds were chosen says nothing. Seeds below `FIRST_TEST_SEED` are for
choosing, those from there on for measuring, and each report says which it used.
"""

from stream.evaluate.quality import FIRST_TEST_SEED, Report, evaluate
from stream.evaluate.scripted import Score, as_truth, score, standing

__all__ = ["FIRST_TEST_SEED", "Report", "Score", "as_truth", "evaluate", "score", "standing"]
