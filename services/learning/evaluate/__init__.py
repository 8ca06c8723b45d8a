"""Evaluation: what a candidate does on suites, beside what the parent does now.

Workflow. `forms` puts the candidate's change onto the parent's adapter and writes it as engines
wear it. Each suite (`Suite`, a YAML file) is asked of the parent as it is (before) and of the
candidate (after) by a process of its own (`worker`), which runs the questions side by side through
llama.cpp (`Scorer`). Scores are kept by the digests of model, adapter and suite (`ScoreBook`): the
parent is measured once, and a measurement that was killed goes on with the next suite. Recent
questions are answered by both in the shadow.

    evaluator = SuiteEvaluator(model, Suites(own_folder), folder, store=store)
    evaluator.measure(candidate).suites["learned"].after
"""

from services.learning.evaluate.evaluator import SuiteEvaluator
from services.learning.evaluate.suite import Item, Suite, read_suite
from services.learning.evaluate.suites import Suites

__all__ = ["Item", "Suite", "SuiteEvaluator", "Suites", "read_suite"]
