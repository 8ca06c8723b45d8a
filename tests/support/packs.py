"""Small topics and packs for tests, and an embedder that counts words, understanding none."""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np

from services.bricks.ingest.manifest import Manifest
from services.bricks.knowledge import Topic, parse_topic
from services.bricks.words import content_stems

MADE = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)
TOPIC = """---
id: {id}
title: {title}
kind: disease
level: {level}
written: {written}
sources:
  - name: {source}
    url: https://health.example.org/{id}
---
"""


class ByWords:
    """A unit vector of the words a text holds: equal words, equal vectors."""

    def encode(self, texts):
        rows = np.full((len(texts), 384), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for stem in content_stems(text):
                row[int(hashlib.sha256(stem.encode()).hexdigest(), 16) % 384] += 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def topic(
    id_: str, level: str = "device", written: str = "2026-01-31", source: str = "Leaflets", **said
) -> Topic:
    """A topic with a section for each further argument."""
    sections = said or {"what": f"{id_.title()} is an illness that doctors know well."}
    head = TOPIC.format(
        id=id_, title=id_.replace("-", " ").title(), level=level, written=written, source=source
    )
    body = "".join(f"## {name.replace('_', '-')}\n{text}\n" for name, text in sections.items())
    return parse_topic(head + body, f"{id_}.md")


def said(id_: str = "leaflets", **more) -> Manifest:
    """What a pack says of itself."""
    fields = {
        "id": id_,
        "title": id_.title(),
        "publisher": "Leaflets",
        "licence": "CC BY 4.0",
        "date": "2026-01-31",
    }
    return Manifest.model_validate(fields | more)
