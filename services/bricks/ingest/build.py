"""From documents to topics: a part of a document is a record, the records of one key a topic."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from services.bricks.ingest.clean import one_line
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.item import Document
from services.bricks.ingest.kinds import kind_of
from services.bricks.ingest.manifest import Manifest
from services.bricks.ingest.sections import section_of
from services.bricks.ingest.sentences import sentences_of
from services.bricks.topic import Passage, Topic, TopicHead
from services.bricks.words import fold

MAX_TITLE = 200
"""A longer title is no title, in characters."""
MAX_ALIAS = 120
"""A longer name is none: names are looked for in every question, in characters."""
ID_LETTERS = 60
"""Of an id that is made of a title, at most."""

Record = dict[str, Any]
"""A topic as it is written to a pack."""


def record_of(document: Document, pack: Manifest) -> Record:
    """What is kept of a document, or of a part: head and sentences by section, plain JSON.

    Raises:
        ItemError: nothing in it can be quoted, or it lacks an address.
    """
    title = one_line(document.title)
    if not title or len(title) > MAX_TITLE:
        raise ItemError(f"no title, or one of more than {MAX_TITLE} characters")
    parts = [[section, said] for section, said in _parts(document) if said]
    if not parts:
        raise ItemError("no sentence that can be quoted")
    written = document.written or pack.date
    return {
        "key": document.key,
        "title": title,
        "kind": document.kind,
        "aliases": [alias for alias in document.aliases if len(alias) <= MAX_ALIAS],
        "written": written.isoformat(),
        "source": {"name": document.publisher or pack.publisher, "url": _address(document, pack)},
        "parts": parts,
    }


def _parts(document: Document) -> Iterable[tuple[str, list[str]]]:
    for block in document.blocks:
        section = block.section or section_of(*block.headings)
        if section is not None:
            heading = "" if block.section else block.headings[-1]
            yield section, sentences_of(block.text, heading)


def _address(document: Document, pack: Manifest) -> str:
    """The document's https address, else the pack's; http is written as https."""
    for url in (document.url, pack.url):
        if url:
            parts = urlsplit(url.strip())
            if parts.scheme in {"http", "https"} and parts.netloc and "@" not in parts.netloc:
                return parts._replace(scheme="https").geturl()
    raise ItemError("no address: neither the document nor the manifest has one (url)")


def topic_of(records: Iterable[Record], pack: Manifest) -> Topic:
    """One topic of the records that share a key, in their order.

    Raises:
        ItemError: together they make no valid topic.
    """
    sections: dict[str, dict[str, None]] = {}
    first: Record = {}
    aliases: dict[str, None] = {}
    for record in records:
        first = first or record
        aliases |= dict.fromkeys(record["aliases"])
        for section, said in record["parts"]:
            sections.setdefault(section, {}).update(dict.fromkeys(said))
    fields = {
        "id": topic_id(first["title"], first["key"], pack),
        "title": first["title"],
        "kind": first["kind"] or kind_of(first["title"], sections, pack.kind),
        "aliases": [a for a in aliases if fold(a) != fold(first["title"])],
        "level": pack.level,
        "audience": pack.audience,
        "written": first["written"],
        "sources": [first["source"]],
    }
    try:
        head = TopicHead.model_validate(fields)
    except ValidationError as error:
        raise ItemError(f"not a valid topic: {error.errors()[0]['msg']}") from error
    passages = (Passage(head, s, tuple(said), head.sources[0]) for s, said in sections.items())
    return Topic(head, tuple(passages))


def topic_id(title: str, key: str, pack: Manifest) -> str:
    """Pack, title and a digest of the document's key: the same at every ingestion."""
    slug = re.sub(r"[^a-z0-9]+", "-", fold(title))[:ID_LETTERS].strip("-")
    mark = hashlib.sha256(key.encode()).hexdigest()[:8]
    return "-".join(part for part in (pack.id, slug, mark) if part)
