"""Fit how likely the best passage answers, on suites that nothing was trained on.

    python -m services.consult.reader.fit_answerable [SUITES]

Reads the first halves of ``tests/suites/answers`` (the second halves stay unseen) and the questions
of ``corpus/pairs`` that the matcher was not trained on. Every question is answered from the whole
knowledge, sure or not, and what is fitted is the suite's verdict (right, or about the right topic
though a fact is lacking, against wrong), or whether the best passage is one that the pair names.
Logistic regression with a small
ridge, by Newton's steps. Writes ``answerable.json`` with its figures by ten-fold cross-validation.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

from services.bricks.knowledge import Knowledge
from services.bricks.retrieval import KnowledgeIndex
from services.consult.answerable import FILE, Answerable, Signs
from services.consult.evaluate import suites
from services.consult.evaluate.answers import Item, question_of, verdict
from services.consult.ground import Grounder
from services.consult.messages import Answer, Level, Question, Status
from services.consult.node import Node, Outcome
from services.consult.reader import _training as training
from services.consult.triage import Triager
from services.engines.embed import Embedder
from services.engines.settings import models_folder

RIDGE, STEPS, FOLDS = 1.0, 30, 10
PAIR = 0.25
"""Weight of a pair beside a suite's question: its wrong passages are more tempting than most."""
ALWAYS = 30.0
"""A constant so high that everything is answered."""
KINDS: dict[str, type[Item]] = {
    "first": suites.Answerable,
    "near-first": suites.NearMiss,
    "unanswerable-first": suites.Unanswerable,
}


def examples(folder: Path) -> Iterator[tuple[Signs, bool, bool]]:
    """Signs of the best passage for each question, whether it is right, and if a suite asks."""
    cache = models_folder() / "knowledge"
    index = KnowledgeIndex(Knowledge.load("hospital"), Embedder.load(), cache)
    always = Answerable([0.0] * len(fields(Signs)), ALWAYS)
    grounder = Grounder(index, answerable=always)
    node = Node(Level.HOSPITAL, Triager.load(), index, grounder=grounder)
    for name, kind in KINDS.items():
        items: list[Any] = suites.read_items(folder / f"{name}.jsonl", kind)
        for item in items:
            answer = asyncio.run(_asked(node, item))
            best = grounder.best(question_of(item))
            if answer.status is Status.ANSWERED and best is not None:
                yield best.signs, verdict(item, answer) in {"right", "partial"}, True
    yield from ((signs, right, False) for signs, right in _of_pairs(grounder))


def _of_pairs(grounder: Grounder) -> Iterator[tuple[Signs, bool]]:
    """The same of the pairs kept out; where another topic may answer as well, nobody knows."""
    for pair in training.pairs():
        if not training.kept_out(pair.text):
            continue
        best = grounder.best(Question(id="pair", text=pair.text))
        if best is not None and best.passage.topic.id == pair.topic:
            yield best.signs, best.passage.section in pair.sections


async def _asked(node: Node, item: Item) -> Answer:
    async for event in node.consult(question_of(item)):
        if isinstance(event, Outcome):
            return event.answer
    raise AssertionError("no outcome")  # pragma: no cover - a node always yields one


def fit(rows: Any, wanted: Any, weight: Any) -> Any:
    """Coefficients, the constant last; ``rows`` of shape (n, signs + 1), ``weight`` of each row."""
    found = np.zeros(rows.shape[1])
    keep = RIDGE * np.eye(rows.shape[1])
    keep[-1, -1] = 0
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (weight * (wanted - chance)) - keep @ found
        curve = (rows * (weight * chance * (1 - chance))[:, None]).T @ rows + keep
        found += np.linalg.solve(curve, slope)
    return found


def main() -> None:
    """Fit and write the model."""
    folder = Path(sys.argv[1] if sys.argv[1:] else "tests/suites/answers")
    found = list(examples(folder))
    rows = np.array([[*astuple(signs), 1.0] for signs, _, _ in found])
    wanted = np.array([float(right) for _, right, _ in found])
    suite = np.array([asked for _, _, asked in found])
    weight = np.where(suite, 1.0, PAIR)
    folds = np.random.default_rng(7).permutation(len(rows)) % FOLDS
    chance = np.zeros(len(rows))
    for fold in range(FOLDS):
        rest = folds != fold
        weights = fit(rows[rest], wanted[rest], weight[rest])
        chance[folds == fold] = 1 / (1 + np.exp(-rows[folds == fold] @ weights))
    weights = fit(rows, wanted, weight)
    names = [f.name for f in fields(Signs)]
    told = {
        "weights": dict(zip(names, np.round(weights[:-1], 4).tolist(), strict=True)),
        "start": round(float(weights[-1]), 4),
        "questions": len(rows),
        "right": int(wanted.sum()),
        "cross_validated": _figures(chance[suite], wanted[suite]),
    }
    FILE.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


def _figures(chance: Any, wanted: Any) -> dict[str, float]:
    """At each bound: the share of what is right that is said, and of what is wrong."""
    return {
        f"{name} said at {bound}": round(float((chance[which] >= bound).mean()), 4)
        for bound in (0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
        for name, which in (("right", wanted == 1), ("wrong", wanted == 0))
    }


if __name__ == "__main__":
    main()
