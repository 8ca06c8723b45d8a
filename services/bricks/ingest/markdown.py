"""Markdown: the project's own topic form, and plain Markdown with headings.

Plain Markdown is rendered and then read as a page, so that what HTML inside it hides is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

import yaml
from markdown_it import MarkdownIt

from compliance.yamltext import read_yaml
from services.bricks.errors import BrickError
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.html import MAX_BYTES, html_document, strip_markup
from services.bricks.ingest.item import Block, Document, Item, Source
from services.bricks.ingest.manifest import Manifest
from services.bricks.knowledge import parse_topic

MAX_FRONT = 64 * 1024
"""Longer front matter is none, in characters."""
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


def read_markdown(source: Source, _pack: Manifest) -> Iterator[Item]:
    """One document a file."""
    path = source.path
    if path.stat().st_size > MAX_BYTES:
        raise ItemError(f"the file is larger than {MAX_BYTES >> 20} MiB")
    raw = path.read_bytes()
    yield Item(source.name, raw, lambda: markdown_document(raw.decode("utf-8"), source.name))


def markdown_document(text: str, name: str) -> Document:
    """The document of a Markdown text, whichever of the two forms it has."""
    plain = text.replace("\r\n", "\n").removeprefix("\ufeff")
    front = _FRONT.match(plain)
    if front and _is_topic(front[1]):
        return _own_topic(plain, name)
    page = MarkdownIt("commonmark", {"html": True}).enable("table")
    body = plain[front.end() :] if front else plain
    return html_document(page.render(body), PurePath(name).stem, name)


def _is_topic(front: str) -> bool:
    if len(front) > MAX_FRONT:
        raise ItemError(f"its front matter is longer than {MAX_FRONT} characters")
    try:
        # aliases of aliases grow into billions of values where an error quotes them
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(front)):
            raise ItemError("its front matter refers to itself")
        held = read_yaml(front)
    except yaml.YAMLError:
        return False
    return isinstance(held, dict) and {"id", "kind", "sources"} <= set(held)


def _own_topic(text: str, name: str) -> Document:
    try:
        topic = parse_topic(text, name)
    except BrickError as error:
        raise ItemError(error.message) from error
    head, source = topic.head, topic.head.sources[0]
    blocks = tuple(
        Block((p.section,), "\n".join(strip_markup(s) for s in p.sentences), p.section)
        for p in topic.passages
    )
    made = Document(head.id, head.title, blocks, head.kind, head.aliases, source.url)
    return replace(made, written=source.checked or head.written, publisher=source.name)
