"""Fit how likely the best passage answers, on suites that nothing was trained on.

    python -m services.consult.reader.fit_answerable [SUITES]

Reads the first halves of ``tests/suites/answers``; the second halves stay unseen. Every question is
answered from the whole knowledge, sure or not, and the suite's verdict is what is fitted: right (or
about the right topic, though a fact is lacking) against wrong. Logistic regression with a small
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
from services.consult.messages import Answer, Level, Status
from services.consult.node import Node, Outcome
from services.consult.triage import Triager
from services.engines.embed import Embedder
from services.engines.settings import models_folder

RIDGE, STEPS, FOLDS = 1.0, 30, 10
ALWAYS = 30.0
"""A constant so high that everything is answered."""
KINDS: dict[str, type[Item]] = {
    "first": suites.Answerable,
    "near-first": suites.NearMiss,
    "unanswerable-first": suites.Unanswerable,
}


def examples(folder: Path) -> Iterator[tuple[Signs, bool]]:
    """Signs of the best passage for each question, and whether an answer from it is right."""
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
                yield best.signs, verdict(item, answer) in {"right", "partial"}


async def _asked(node: Node, item: Item) -> Answer:
    async for event in node.consult(question_of(item)):
        if isinstance(event, Outcome):
            return event.answer
    raise AssertionError("no outcome")  # pragma: no cover - a node always yields one


def fit(rows: Any, wanted: Any) -> Any:
    """Weights, the constant last; ``rows`` of shape (n, signs + 1)."""
    weights = np.zeros(rows.shape[1])
    keep = RIDGE * np.eye(rows.shape[1])
    keep[-1, -1] = 0
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (wanted - chance) - keep @ weights
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + keep
        weights += np.linalg.solve(curve, slope)
    return weights


def main() -> None:
    """Fit and write the model."""
    folder = Path(sys.argv[1] if sys.argv[1:] else "tests/suites/answers")
    pairs = list(examples(folder))
    rows = np.array([[*astuple(s), 1.0] for s, _ in pairs])
    wanted = np.array([float(label) for _, label in pairs])
    folds = np.random.default_rng(7).permutation(len(rows)) % FOLDS
    chance = np.zeros(len(rows))
    for fold in range(FOLDS):
        weights = fit(rows[folds != fold], wanted[folds != fold])
        chance[folds == fold] = 1 / (1 + np.exp(-rows[folds == fold] @ weights))
    weights = fit(rows, wanted)
    names = [f.name for f in fields(Signs)]
    told = {
        "weights": dict(zip(names, np.round(weights[:-1], 4).tolist(), strict=True)),
        "start": round(float(weights[-1]), 4),
        "questions": len(rows),
        "right": int(wanted.sum()),
        "cross_validated": _figures(chance, wanted),
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
