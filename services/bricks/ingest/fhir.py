"""FHIR R4 DocumentReference: the attachment that is carried in the resource itself.

Read are a resource, a Bundle or NDJSON; other types are passed over. A document about a person is
no knowledge and is refused, as are drafts and what was withdrawn.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import ijson

from services.bricks.ingest.clean import one_line
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.html import html_document
from services.bricks.ingest.item import Block, Document, Item, Source
from services.bricks.ingest.jsonl import iso_date, json_object, numbered_lines
from services.bricks.ingest.manifest import Manifest
from services.bricks.ingest.markdown import markdown_document
from services.bricks.ingest.nesting import refuse
from services.bricks.ingest.pdf import pdf_document

TYPE = "DocumentReference"
"""The resource whose attachments are read."""
MAX_LINE = 160 * 2**20
"""A longer line of NDJSON, or single resource, is refused, in bytes."""
_PERSON = re.compile(r"(?:.*/)?(?:Patient|RelatedPerson)/")
PREFERRED = ("text/html", "text/markdown", "text/plain", "application/pdf")
"""Forms of one document, the best first: it is read once."""


def read_fhir(source: Source, _pack: Manifest) -> Iterator[Item]:
    """Every DocumentReference of a file."""
    path = source.path
    if path.suffix in {".ndjson", ".jsonl"}:
        for number, line in numbered_lines(path, MAX_LINE):
            yield Item(f"{source.name}:{number}", line, partial(_line, line))
        return
    found = False
    refuse(path)
    with path.open("rb") as stream:
        for number, held in enumerate(ijson.items(stream, "entry.item.resource", use_float=True)):
            found = True
            yield _item(f"{source.name}: entry {number + 1}", held)
    if not found:
        if path.stat().st_size > MAX_LINE:
            raise ItemError(f"the resource is larger than {MAX_LINE >> 20} MiB")
        yield _item(source.name, json_object(path.read_bytes(), MAX_LINE))


def _line(raw: bytes) -> Document | None:
    return _document(json_object(raw, MAX_LINE))


def _item(place: str, held: Any) -> Item:
    return Item(place, json.dumps(held, sort_keys=True).encode(), partial(_document, held))


def _document(held: Any) -> Document | None:
    if not isinstance(held, dict) or "resourceType" not in held:
        raise ItemError("not a FHIR resource")
    if held["resourceType"] != TYPE:
        return None
    _refuse(held)
    contents = [c["attachment"] for c in held.get("content", [])]
    readable = sorted(
        (a for a in contents if a.get("data") and _form(a) in PREFERRED),
        key=lambda a: PREFERRED.index(_form(a)),
    )
    if not readable:
        raise ItemError(
            "no attachment in the resource that can be read (html, markdown, text, pdf)"
        )
    made = _read(readable[0], _title(held, readable[0]), _key(held))
    author = next((a.get("display") for a in held.get("author", []) if a.get("display")), None)
    url = readable[0].get("url")
    return Document(
        key=made.key,
        title=_title(held, readable[0]) or made.title,
        blocks=made.blocks,
        kind=made.kind,
        aliases=made.aliases,
        url=url if isinstance(url, str) and url.startswith("http") else None,
        written=iso_date(held.get("date") or readable[0].get("creation")),
        publisher=one_line(held.get("custodian", {}).get("display") or author or "") or None,
    )


def _refuse(held: dict[str, Any]) -> None:
    if held.get("status") != "current":
        raise ItemError(f"its status is {held.get('status')}, not current")
    if held.get("docStatus") in {"preliminary", "entered-in-error"}:
        raise ItemError(f"its docStatus is {held['docStatus']}")
    context = held.get("context") or {}
    author = any(_PERSON.match(str(a.get("reference") or "")) for a in held.get("author", ()))
    if (
        author
        or held.get("subject")
        or context.get("sourcePatientInfo")
        or context.get("encounter")
    ):
        raise ItemError("it is about a person: that is no knowledge")


def _key(held: dict[str, Any]) -> str:
    master = held.get("masterIdentifier", {})
    return str(
        master.get("value")
        or held.get("id")
        or hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()
    )


def _title(held: dict[str, Any], attachment: dict[str, Any]) -> str:
    coded = held.get("type", {}).get("text")
    return one_line(str(attachment.get("title") or held.get("description") or coded or ""))


def _form(attachment: dict[str, Any]) -> str:
    return str(attachment.get("contentType", "")).split(";")[0].strip().lower()


def _read(attachment: dict[str, Any], title: str, key: str) -> Document:
    try:
        raw = base64.b64decode(attachment["data"], validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ItemError("the attachment is not base64") from error
    wanted = attachment.get("hash")
    if (
        wanted
        and base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode() != wanted
    ):
        raise ItemError("the attachment does not have its own hash: it is damaged")
    form = _form(attachment)
    if form == "application/pdf":
        return pdf_document(raw, title, key)
    text = _decode(raw, str(attachment.get("contentType", "")))
    forms: dict[str, Callable[[], Document]] = {
        "text/html": lambda: html_document(text, title, key),
        "text/markdown": lambda: markdown_document(text, key),
    }
    plain = Document(key, title, (Block(("overview",), text),))
    return forms.get(form, lambda: plain)()


def _decode(raw: bytes, content_type: str) -> str:
    charset = content_type.partition("charset=")[2].strip(' "') or "utf-8"
    try:
        return raw.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        raise ItemError(f"the attachment is not {charset} text") from error
