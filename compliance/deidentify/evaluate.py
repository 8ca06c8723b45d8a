"""Measure the detector: ``python -m compliance.deidentify.evaluate --data DIR``.

Recall is the share of annotated identifiers with every character covered; leak the share of
documents with anything uncovered; over the share of the other words that were removed. Intervals
are Wilson's, 95 %. DIR holds the sets in their own formats (a folder that is missing is left out):

- ``presidio-research/synth_v2_dev.json``: sentences with spans, general domain;
- ``aci-bench/*.csv``: dialogues and notes; the patient's and the doctor's names from the metadata;
- ``synthea-10/*.ndjson``: notes of synthetic patients with their records;
- ``meddocan/dev/*.txt, *.ann``: Spanish cases, brat stand-off;
- ``medquad/medquad.jsonl``: answers without anyone's identifiers: only ``over`` means something.
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import regex

from compliance.deidentify import Deidentifier, KnownIdentifiers
from compliance.deidentify.errors import DeidentificationError

_Z = 1.959964
_WORD = regex.compile(r"[\p{L}\d]+")
_SPAN = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Document:
    """A text with what should be found in it: start, end, class."""

    text: str
    spans: tuple[_SPAN, ...]
    language: Literal["en", "es"] = "en"
    known: KnownIdentifiers | None = None


@dataclass(slots=True)
class Score:
    """Counts over one set of documents."""

    found: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    leaking: int = 0
    refused: int = 0
    words: int = 0
    removed: int = 0

    def add(self, document: Document, covered: list[tuple[int, int]]) -> None:
        """Count one document by the spans that were masked."""
        mask = bytearray(len(document.text))
        for start, end in covered:
            mask[start:end] = b"\1" * (end - start)
        wanted = bytearray(len(document.text))
        leaked = False
        for start, end, kind in document.spans:
            wanted[start:end] = b"\1" * (end - start)
            letters = [i for i in range(start, end) if document.text[i].isalnum()]
            whole = all(mask[i] for i in letters)
            self.total[kind] += 1
            self.found[kind] += whole
            leaked = leaked or not whole
        self.documents += 1
        self.leaking += leaked
        for word in _WORD.finditer(document.text):
            if not any(wanted[word.start() : word.end()]):
                self.words += 1
                self.removed += any(mask[word.start() : word.end()])


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not total:
        return 0.0, 1.0
    share, z2 = hits / total, _Z * _Z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def presidio_research(folder: Path) -> Iterator[Document]:
    """General sentences; titles, ages below 90 and nationalities are not asked for."""
    for item in json.loads((folder / "synth_v2_dev.json").read_text(encoding="utf-8")):
        spans = [(s["start_position"], s["end_position"], s["entity_type"]) for s in item["spans"]]
        kept = tuple(s for s in spans if s[2] not in {"TITLE", "AGE", "NRP"})
        yield Document(item["full_text"], kept)


def aci_bench(folder: Path) -> Iterator[Document]:
    """Dialogues and notes; every whole-word mention of the people in the metadata."""
    for part in ("train", "valid"):
        people = {row["encounter_id"]: row for row in _rows(folder / f"{part}_metadata.csv")}
        for row in _rows(folder / f"{part}.csv"):
            person = people[row["encounter_id"]]
            names = {
                "patient": f"{person['patient_firstname']} {person['patient_familyname']}".split(),
                "doctor": (person.get("doctor_name") or "").replace("Dr.", "").split(),
            }
            for text in (row["dialogue"], row["note"]):
                yield Document(text, tuple(_mentions(text, names)))


def synthea(folder: Path, *, known: bool, limit: int = 20) -> Iterator[Document]:
    """Notes (``limit`` a patient) with names, dates and ages over 89 of the record as truth."""
    patients = {p["id"]: p for p in _ndjson(folder / "Patient.000.ndjson")}
    seen: Counter[str] = Counter()
    records = {
        key: KnownIdentifiers.from_record([p]) if known else None for key, p in patients.items()
    }
    for note in _ndjson(folder / "DocumentReference.000.ndjson"):
        key = note["subject"]["reference"].split("/")[-1]
        seen[key] += 1
        if seen[key] > limit:
            continue
        text = base64.b64decode(note["content"][0]["attachment"]["data"]).decode()
        names = {
            "name": [w for n in patients[key]["name"] for w in (*n.get("given", []), n["family"])]
        }
        dates = [(m.start(), m.end(), "date") for m in regex.finditer(r"\d{4}-\d{2}-\d{2}", text)]
        ages = [
            (m.start(1), m.end(1), "age")
            for m in regex.finditer(r"(\d+) year-old", text)
            if int(m[1]) > 89  # noqa: PLR2004 - a number of the rule itself
        ]
        yield Document(text, (*_mentions(text, names), *dates, *ages), known=records[key])


def meddocan(folder: Path) -> Iterator[Document]:
    """Spanish cases; sex, profession, country, ages below 90 are not asked for."""
    for path in sorted((folder / "dev").glob("*.txt")):
        with path.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        spans: list[_SPAN] = []
        for line in path.with_suffix(".ann").read_text(encoding="utf-8").splitlines():
            if line.startswith("T"):
                kind, start, end = line.split("\t")[1].split()[:3]
                if not kind.startswith(
                    ("SEXO", "PROFESION", "PAIS", "EDAD", "OTROS")
                ) and not regex.fullmatch(r"(?:19|20)\d\d", text[int(start) : int(end)]):
                    spans.append((int(start), int(end), kind))
        yield Document(text, tuple(spans), language="es")


def medquad(folder: Path, limit: int = 600) -> Iterator[Document]:
    """Answers, every fortieth or so; nothing in them should be removed."""
    lines = (folder / "medquad.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[:: max(1, len(lines) // limit)]:
        yield Document(json.loads(line)["answer"], ())


def evaluate(detector: Deidentifier, documents: Iterator[Document]) -> Score:
    """Score the detector; a refused text leaks nothing and is counted."""
    score = Score()
    for document in documents:
        try:
            detector.deidentify(document.text, language=document.language, known=document.known)
        except DeidentificationError:
            score.refused += 1
        entities = detector.detect(document.text, language=document.language, known=document.known)
        score.add(document, [(e.start, e.end) for e in entities])
    return score


def report(name: str, score: Score) -> str:
    """One table as text."""
    rows = [f"{name}: {score.documents} documents, {score.refused} refused"]
    for kind, total in (*sorted(score.total.items()), ("ALL", score.total.total())):
        hits = score.found.total() if kind == "ALL" else score.found[kind]
        low, high = wilson(hits, total)
        rows.append(
            f"  {kind:34s} recall {hits / total if total else 1:6.3f} [{low:.3f}, {high:.3f}]  "
            f"n={total}"
        )
    for label, hits, total in (
        ("leak", score.leaking, score.documents),
        ("over", score.removed, score.words),
    ):
        low, high = wilson(hits, total)
        rows.append(
            f"  {label:34s}        {hits / total if total else 0:6.4f} [{low:.4f}, {high:.4f}]  "
            f"n={total}"
        )
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> int:
    """Run every set that is there; 2 when none is."""
    parser = argparse.ArgumentParser(description="Measure de-identification.")
    parser.add_argument("--data", type=Path, required=True)
    data: Path = parser.parse_args(arguments).data
    sets: dict[str, tuple[str, Callable[[Path], Iterator[Document]]]] = {
        "general sentences": ("presidio-research", presidio_research),
        "visit dialogues and notes": ("aci-bench", aci_bench),
        "synthetic notes, record known": ("synthea-10", lambda f: synthea(f, known=True)),
        "synthetic notes, no record": ("synthea-10", lambda f: synthea(f, known=False)),
        "Spanish cases": ("meddocan", meddocan),
        "health answers": ("medquad", medquad),
    }
    present = {name: pair for name, pair in sets.items() if (data / pair[0]).is_dir()}
    detector = Deidentifier.load()
    sys.stdout.write(f"{detector.version}\n")
    for name, (folder, read) in present.items():
        sys.stdout.write(report(name, evaluate(detector, read(data / folder))) + "\n")
        sys.stdout.flush()
    return 0 if present else 2


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _ndjson(path: Path) -> list[Any]:
    """Objects of an NDJSON file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _mentions(text: str, names: dict[str, list[str]]) -> Iterator[_SPAN]:
    """Whole-word mentions of names of two letters or more, any case."""
    for kind, words in names.items():
        for word in {w for w in words if len(w) > 1}:
            for match in regex.finditer(
                rf"(?<!\p{{L}}){regex.escape(word)}(?!\p{{L}})", text, regex.IGNORECASE
            ):
                yield match.start(), match.end(), kind


if __name__ == "__main__":
    raise SystemExit(main())
