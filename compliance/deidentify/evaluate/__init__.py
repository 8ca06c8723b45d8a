"""Measure the detector: ``python -m compliance.deidentify.evaluate --data DIR``.

Recall is the share of annotated identifiers with every letter and digit covered; leak the share of
documents with anything uncovered; over the share of the other words that were removed. Intervals
are Wilson's, 95 %. What a set marks and Safe Harbor does not ask for (a year, a title, the word
"mother") is left out of all three and named with its count. Exit status 1 when a figure misses its
target, 2 when no set is there.
"""

from __future__ import annotations

from compliance.deidentify.evaluate.score import Document, Score, wilson
from compliance.deidentify.evaluate.table import report

__all__ = ["Document", "Score", "report", "wilson"]
