"""`caretier bench retrieval`: does the search find the right document for a question?

MedQuAD is ingested by itself, in a temporary folder, and every question (or a fixed sample) is put
to the index. Questions are not indexed: what is searched are titles, section names and answers.

What "the right document" means, two figures side by side:

- *strict*: the very document that the question was taken from. Several institutes write on the same
  disease, and one question ("What is (are) Skin Cancer ?") often stands in documents of three of
  them; then at most one counts, so this figure cannot reach 1.
- *same disease*: any document with the same title (folded, stemmed). A document on a neighbouring
  disease never counts. This is what an answer needs, since all of them answer from the same entity.

- *same disease and section*: a passage of such a document whose section is that of the question's
  type; here the ranks are of passages.

Ranks of documents count the passages of one document once, at their best place. Left out are
questions whose line cannot be used (no disease, nothing that can be quoted). Vectors are kept below
the models folder.

The set is an easy one: nearly every question names its disease as the title does. The figures say
that the search finds what is named; they say nothing of questions that describe without naming.
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

from services.bricks.ingest import ItemError, Report, ingest, manifest_of
from services.bricks.ingest.build import topic_id
from services.bricks.ingest.jsonl import json_object, jsonl_document, numbered_lines
from services.bricks.ingest.manifest import Manifest
from services.bricks.ingest.sections import section_of
from services.bricks.knowledge import Knowledge, TopicHead
from services.bricks.retrieval import Hit, KnowledgeIndex
from services.bricks.words import stems
from services.engines.embed import Embedder
from services.engines.settings import models_folder

app = typer.Typer(add_completion=False)
SEED = 20261125
"""Of the questions that are drawn."""
DEPTH = 10
"""Documents that are looked at; a rank beyond counts as not found."""
PASSAGES = 48
"""Passages asked of the index, so that DEPTH documents are among them."""
TARGET = 0.80
"""Share of questions with a document of their own disease among the first three."""

MEDQUAD = {
    "id": "medquad",
    "title": "MedQuAD",
    "publisher": "National Institutes of Health",
    "licence": "CC BY 4.0",
    "date": "2017-12-31",
    "url": "https://github.com/abachaa/MedQuAD",
    "kind": "disease",
    "level": "hospital",
}


@dataclass(frozen=True)
class Asked:
    """A question; topic, title and section that its answer was put into."""

    text: str
    topic: str
    disease: tuple[str, ...]
    section: str | None


def questions(file: Path, pack: Manifest) -> Iterator[Asked]:
    """Every question of a MedQuAD file that can be used."""
    for _, line in numbered_lines(file):
        try:
            document = jsonl_document(line)
        except ItemError:
            continue
        topic = topic_id(document.title, document.key, pack)
        section = section_of(*document.blocks[0].headings)
        yield Asked(json_object(line)["question"], topic, tuple(stems(document.title)), section)


@dataclass(frozen=True)
class Ranks:
    """At which place (from 1) something was found; None: not among the first DEPTH."""

    strict: int | None
    same_disease: int | None
    same_section: int | None


def ranks(hits: list[Hit], asked: Asked) -> Ranks:
    """Where the right document, and the right passage, stand among the hits."""
    heads = {h.passage.topic.id: h.passage.topic for h in hits}  # in the order of their best hits
    passages = [
        h.passage.section == asked.section and _is_same(h.passage.topic, asked) for h in hits
    ]
    return Ranks(
        _first(head.id == asked.topic for head in heads.values()),
        _first(_is_same(head, asked) for head in heads.values()),
        _first(passages),
    )


def _is_same(head: TopicHead, asked: Asked) -> bool:
    return tuple(stems(head.title)) == asked.disease


def _first(found: Iterable[bool]) -> int | None:
    return next((place for place, yes in enumerate(islice(found, DEPTH), 1) if yes), None)


def shares(found: list[int | None]) -> dict[str, float]:
    """Share found at rank 1, 3 and DEPTH at most, and the mean reciprocal rank."""
    out = {f"at_{k}": sum(r is not None and r <= k for r in found) for k in (1, 3, DEPTH)}
    reciprocal = sum(1 / r for r in found if r)
    return {n: round(v / len(found), 4) for n, v in {**out, "mrr": reciprocal}.items()}


def measure(file: Path, limit: int | None, folder: Path) -> dict[str, Any]:
    """Ingest the file into ``folder``, put the questions, and return the figures."""
    pack = manifest_of(MEDQUAD)
    began = time.perf_counter()
    report: Report = ingest([file], folder, pack, "jsonl")
    ingested = time.perf_counter()
    knowledge = Knowledge.load("hospital", folder)
    index = KnowledgeIndex(knowledge, Embedder.load(), models_folder() / "bench-medquad")
    indexed = time.perf_counter()
    asked = [a for a in questions(file, pack) if a.topic in knowledge.by_id]
    if limit is not None and limit < len(asked):
        asked = random.Random(SEED).sample(asked, limit)  # noqa: S311 - a sample, no secret
    found = [ranks(index.search(a.text, k=PASSAGES), a) for a in asked]
    searched = time.perf_counter()
    return {
        "questions": len(asked),
        "documents": report.topics,
        "passages": report.passages,
        "bad_items": report.bad,
        "strict": shares([r.strict for r in found]),
        "same_disease": shares([r.same_disease for r in found]),
        "same_section": shares([r.same_section for r in found]),
        "target_same_disease_at_3": TARGET,
        "seconds": {
            "ingest": round(ingested - began, 1),
            "index": round(indexed - ingested, 1),
            "search_each": round((searched - indexed) / max(1, len(asked)), 4),
        },
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" Python {platform.python_version()}"
    )


@app.command()
def retrieval(
    medquad: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="MedQuAD as JSON Lines.")
    ],
    limit: Annotated[
        int | None, typer.Option(min=1, help="Put only a fixed sample of this many questions.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Put MedQuAD's questions to the search; print how often the right document is found."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, console.status("Ingesting, indexing, asking …"):
        result = {"machine": _machine(), **measure(medquad, limit, Path(folder) / "medquad")}
    if as_json:
        typer.echo(json.dumps(result))
        return
    _show(result)


def _show(result: dict[str, Any]) -> None:
    table = Table("right document", "rank 1", "rank ≤ 3", f"rank ≤ {DEPTH}", "MRR")
    for name in ("strict", "same_disease", "same_section"):
        table.add_row(name.replace("_", " "), *(f"{v:.3f}" for v in result[name].values()))
    out = Console()
    out.print(table)
    out.print(
        f"{result['questions']} questions, {result['documents']} documents,"
        f" {result['passages']} passages; seconds {result['seconds']};"
        f" peak {result['peak_mib']} MiB; {result['machine']}"
    )
