"""Measure the name model: ``python -m compliance.deidentify.names.evaluate [--data DIR]``.

Without ``--data``: on documents from templates and names that training never saw. With it, also
on the sets of ``compliance.deidentify.evaluate``, names and places only, the model alone without
rules. Recall, leak and over mean the same as there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from compliance.deidentify.evaluate import Document, Score, report, sets
from compliance.deidentify.names.decode import NameSpan, decode
from compliance.deidentify.names.generate import documents
from compliance.deidentify.names.model import FOLDER, NameModel
from compliance.deidentify.names.slots import ELSEWHERE
from compliance.errors import CaretierError

OVER_LIMIT = 0.003
"""Share of ordinary words that may be removed; the lowest threshold within it is chosen."""
_THRESHOLDS = tuple(round(0.1 + 0.05 * i, 2) for i in range(17))
_NAMES = (
    "PERSON", "GPE", "ORGANIZATION", "STREET_ADDRESS", "patient", "doctor", "name", "NOMBRE",
    "FAMILIARES", "HOSPITAL", "TERRITORIO", "CALLE", "INSTITUCION", "CENTRO_SALUD",
)  # fmt: skip
"""Classes of the sets, by their beginnings, that the model is asked for."""


def score_spans(score: Score, text: str, spans: list[NameSpan], wanted: Document) -> None:
    """Count one document; what the rules look for is neither wanted nor unwanted."""
    ours = tuple(s for s in wanted.spans if s[2] != ELSEWHERE)
    theirs = [s for s in wanted.spans if s[2] == ELSEWHERE]
    covered = [
        (s.start, s.end)
        for s in spans
        if not any(s.start < end and s.end > start for start, end, _ in theirs)
    ]
    score.add(Document(text, ours), covered)


def kept_out_score(model: NameModel, count: int, seed: int) -> Score:
    """Score over made-up documents that training never saw."""
    score = Score()
    for one in documents(seed, count, out=True):
        score_spans(score, one.text, model.find(one.text), Document(one.text, one.spans))
    return score


def choose_threshold(model: NameModel, count: int, seed: int) -> float:
    """The lowest threshold at which the model keeps within ``OVER_LIMIT``; else the highest."""
    scores = {threshold: Score() for threshold in _THRESHOLDS}
    for one in documents(seed, count, out=True):
        encoded, chances = model.chances(one.text)
        for threshold, score in scores.items():
            spans = decode(one.text, encoded.offsets, chances, model.labels, threshold)
            score_spans(score, one.text, spans, Document(one.text, one.spans))
    fitting = (t for t, s in scores.items() if s.removed <= OVER_LIMIT * s.words)
    return next(fitting, _THRESHOLDS[-1])


def figures(model: NameModel, count: int, seed: int) -> dict[str, float]:
    """Recall by type and of all, leak and over, on documents that training never saw."""
    score = kept_out_score(model, count, seed)
    found = {f"recall {kind}": score.found[kind] / n for kind, n in sorted(score.total.items())}
    found["recall"] = score.found.total() / max(1, score.total.total())
    found["leak"] = score.leaking / max(1, score.documents)
    found["over"] = score.removed / max(1, score.words)
    return {key: round(value, 4) for key, value in found.items()}


def set_score(model: NameModel, read: Iterator[Document]) -> Score:
    """Score over one of the sets, names and places only."""
    score = Score()
    for one in read:
        asked = tuple(s for s in one.spans if s[2].startswith(_NAMES))
        rest = tuple((s, e, ELSEWHERE) for s, e, k in one.spans if not k.startswith(_NAMES))
        wanted = Document(one.text, (*asked, *rest))
        # A calling is learnt and not reported.
        spans = [s for s in model.find(one.text) if s.type != "PROFESSION"]
        score_spans(score, one.text, spans, wanted)
    return score


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 2 when the model has not been trained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args(arguments)
    try:
        model = NameModel.load(given.model)
    except CaretierError as error:
        sys.stderr.write(f"{error.message} {error.advice}\n")
        return 2
    kept = kept_out_score(model, given.documents, given.seed)
    sys.stdout.write(report(f"kept-out templates and names, threshold {model.threshold}", kept))
    every: dict[str, Callable[[Path], Iterator[Document]]] = {
        "presidio-research": sets.presidio_research,
        "aci-bench": sets.aci_bench,
        "synthea-10": lambda folder: sets.synthea(folder, known=False),
        "meddocan": sets.meddocan,
        "medquad": sets.medquad,
    }
    for folder, read in every.items() if given.data else ():
        if (given.data / folder).is_dir():
            found = set_score(model, read(given.data / folder))
            sys.stdout.write("\n" + report(f"{folder}, the model alone", found))
            sys.stdout.flush()
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
