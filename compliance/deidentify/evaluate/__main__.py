"""The command: every set that is there, each with its targets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from compliance.deidentify import Deidentifier
from compliance.deidentify.errors import DeidentificationError
from compliance.deidentify.evaluate import sets
from compliance.deidentify.evaluate.score import Document, Score
from compliance.deidentify.evaluate.table import Target, report


@dataclass(frozen=True, slots=True)
class Trial:
    """One set, how it is read, and what must be reached on it."""

    name: str
    folder: str
    read: Callable[[Path], Iterator[Document]]
    target: Target | None


_GENERAL, _NOTES = Target(0.97, 0.06, 0.02), Target(1.0, None, 0.002)
TRIALS = (
    Trial("general sentences", "presidio-research", sets.presidio_research, _GENERAL),
    Trial(
        "general sentences in lower case",
        "presidio-research",
        lambda f: (one.lowered() for one in sets.presidio_research(f)),
        None,
    ),
    Trial("visit dialogues and notes", "aci-bench", sets.aci_bench, Target(0.98, None, 0.01)),
    Trial(
        "visit dialogues and notes in lower case",
        "aci-bench",
        lambda f: (one.lowered() for one in sets.aci_bench(f)),
        None,
    ),
    Trial(
        "synthetic notes, record known",
        "synthea-10",
        lambda f: sets.synthea(f, known=True),
        _NOTES,
    ),
    Trial("synthetic notes, no record", "synthea-10", lambda f: sets.synthea(f, known=False), None),
    Trial("Spanish cases", "meddocan", sets.meddocan, Target(0.93, None, 0.05)),
    Trial("health answers", "medquad", sets.medquad, Target(None, None, 0.003)),
    Trial("abstracts of studies", "pubmedqa", sets.pubmedqa, None),
)


def evaluate(detector: Deidentifier, documents: Iterator[Document]) -> Score:
    """Score the detector; a refused text leaks nothing and is counted."""
    score = Score()
    for document in documents:
        try:
            done = detector.deidentify(
                document.text, language=document.language, known=document.known
            )
        except DeidentificationError:
            score.refused += 1
            entities = detector.detect(
                document.text, language=document.language, known=document.known
            )
        else:
            entities = list(done.entities)
        score.add(document, [(e.start, e.end) for e in entities])
    return score


def main(arguments: list[str] | None = None) -> int:
    """Run every set that is there; 1 when a target is missed, 2 when no set is there."""
    parser = argparse.ArgumentParser(description="Measure de-identification.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--config", type=Path, help="settings; default: those of the package")
    parser.add_argument("--only", help="only the set in this folder")
    given = parser.parse_args(arguments)
    present = [
        t for t in TRIALS if (given.data / t.folder).is_dir() and given.only in {None, t.folder}
    ]
    detector = Deidentifier.load(given.config)
    sys.stdout.write(f"{detector.version}\n")
    missed = 0
    for trial in present:
        score = evaluate(detector, trial.read(given.data / trial.folder))
        sys.stdout.write(report(trial.name, score, trial.target) + "\n")
        sys.stdout.flush()
        missed += len(trial.target.missed(score)) if trial.target else 0
    if not present:
        return 2
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
