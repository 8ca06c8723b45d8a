"""The sets in their own formats, as documents with what should be found in them.

- ``presidio-research/synth_v2_dev.json``: sentences with spans, general domain;
- ``aci-bench/*.csv``: dialogues and notes; the patient's and the doctor's names from the metadata;
- ``synthea-10/*.ndjson``: notes of synthetic patients with their records;
- ``meddocan/dev/*.txt, *.ann``: Spanish cases, brat stand-off;
- ``medquad/medquad.jsonl``: answers without anyone's identifiers: only ``over`` means something.
"""

from __future__ import annotations

import base64
import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import regex

from compliance.deidentify import KnownIdentifiers
from compliance.deidentify.evaluate.score import Document, Span

_YEAR = regex.compile(r"(?i)(?:a[nñ]o\s+)?(?:19|20)\d\d")
_SAFE_AGE = 89
"""The highest age that Safe Harbor leaves."""
_OLD = regex.compile(r"\d+")


def presidio_research(folder: Path) -> Iterator[Document]:
    """General sentences; titles, nationalities, years and ages below 90 are not asked for."""
    for item in json.loads((folder / "synth_v2_dev.json").read_text(encoding="utf-8")):
        spans = [(s["start_position"], s["end_position"], s["entity_type"]) for s in item["spans"]]
        yield _document(item["full_text"], spans, _general)


def _general(kind: str, value: str) -> str | None:
    """Why a span is not asked for."""
    if kind in {"TITLE", "NRP"}:
        return kind
    if kind == "DATE_TIME" and _YEAR.fullmatch(value):
        return "DATE_TIME a year alone"
    return "AGE below 90" if kind == "AGE" and not _old(value) else None


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
            if int(m[1]) > _SAFE_AGE
        ]
        yield Document(text, (*_mentions(text, names), *dates, *ages), known=records[key])


def meddocan(folder: Path) -> Iterator[Document]:
    """Spanish cases; sex, profession, country, years and ages below 90 are not asked for."""
    for path in sorted((folder / "dev").glob("*.txt")):
        with path.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        spans: list[Span] = []
        for line in path.with_suffix(".ann").read_text(encoding="utf-8").splitlines():
            if line.startswith("T"):
                kind, start, end = line.split("\t")[1].split()[:3]
                spans.append((int(start), int(end), kind))
        yield _document(text, spans, _spanish, language="es")


def _spanish(kind: str, value: str) -> str | None:
    """Why a span is not asked for."""
    if kind.startswith(("SEXO", "PROFESION", "PAIS", "OTROS")):
        return kind
    if kind == "FECHAS" and _YEAR.fullmatch(value):
        return "FECHAS a year alone"
    if kind.startswith("FAMILIARES") and not any(c.isupper() or c.isdigit() for c in value):
        return "FAMILIARES a relation without a name"
    return "EDAD below 90" if kind.startswith("EDAD") and not _old(value) else None


def medquad(folder: Path, limit: int = 600) -> Iterator[Document]:
    """Answers, every so many-th; nothing in them should be removed."""
    lines = (folder / "medquad.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[:: max(1, len(lines) // limit)]:
        yield Document(json.loads(line)["answer"], ())


def pubmedqa(folder: Path) -> Iterator[Document]:
    """Abstracts of studies: over is an upper bound, since their dates and hospitals are masked."""
    for item in json.loads((folder / "pqal_dev.json").read_text(encoding="utf-8")).values():
        yield Document(" ".join(item["CONTEXTS"]), ())


def _document(text: str, spans: list[Span], why: Any, language: Any = "en") -> Document:
    """A document with its spans parted into those that are asked for and the others."""
    reasons = [(span, why(span[2], text[span[0] : span[1]])) for span in spans]
    return Document(
        text,
        tuple(span for span, reason in reasons if reason is None),
        language=language,
        excluded=tuple((s, e, reason) for (s, e, _), reason in reasons if reason is not None),
    )


def _old(value: str) -> bool:
    """Whether an age is one that has to go."""
    number = _OLD.search(value)
    return number is not None and int(number[0]) > _SAFE_AGE and "mes" not in value.lower()


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _ndjson(path: Path) -> list[Any]:
    """Objects of an NDJSON file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _mentions(text: str, names: dict[str, list[str]]) -> Iterator[Span]:
    """Whole-word mentions of names of two letters or more, any case."""
    for kind, words in names.items():
        for word in {w for w in words if len(w) > 1}:
            for match in regex.finditer(
                rf"(?<!\p{{L}}){regex.escape(word)}(?!\p{{L}})", text, regex.IGNORECASE
            ):
                yield match.start(), match.end(), kind
