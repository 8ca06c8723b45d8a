"""PDF: the text that shows, page by page, with its headings.

Text that is invisible (render mode 3 or 7), white, transparent, smaller than two points or off the
page is left out: it can be there for programs only. So a scanned page, whose recognised text is
invisible, gives nothing and is reported. Text that something is painted over cannot be told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, TextStringObject

from services.bricks.ingest.clean import one_line, tidy
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.item import Block, Document, Item, Source
from services.bricks.ingest.manifest import Manifest

MAX_BYTES = 100 * 2**20
"""A larger file is refused, in bytes."""
MAX_PAGES = 2000
"""Of a document; a longer one is refused."""
MIN_POINTS = 2.0
"""Smaller letters are no text that a reader sees."""
HEADING_WORDS = 9
"""Of a heading at most."""
PALE = 0.95
"""Lightness from which letters on white are no text that a reader sees."""
_INVISIBLE_MODES = {3, 7}
_COLOURS = {b"g", b"rg", b"k", b"sc", b"scn"}
_STOP = re.compile(r"[.!?:;,]$")
_BULLET = re.compile(r"^[•▪◦‣·*\u2013-]\s")
_PAGE_NUMBER = re.compile(r"^(page )?\d{1,4}( (of|/) \d{1,4})?$", re.IGNORECASE)


def read_pdf(source: Source, _pack: Manifest) -> Iterator[Item]:
    """One document a file."""
    path = source.path
    if path.stat().st_size > MAX_BYTES:
        raise ItemError(f"the file is larger than {MAX_BYTES >> 20} MiB")
    raw = path.read_bytes()
    yield Item(source.name, raw, lambda: pdf_document(raw, path.stem, source.name))


def pdf_document(raw: bytes, name: str, key: str) -> Document:
    """The document of a PDF; ``name`` is its title if its properties hold none."""
    if len(raw) > MAX_BYTES:  # an attachment has no file whose size was looked at
        raise ItemError(f"the file is larger than {MAX_BYTES >> 20} MiB")
    try:
        reader = PdfReader(BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ItemError("the file is protected by a password")
        if len(reader.pages) > MAX_PAGES:
            raise ItemError(f"more than {MAX_PAGES} pages")
        pages = [_page_lines(page) for page in reader.pages]
        title = one_line(str(reader.metadata.title or "")) if reader.metadata else ""
    except PyPdfError as error:
        raise ItemError(f"not a PDF that can be read: {error}") from error
    blocks = tuple(_blocks(_without_margins(pages)))
    if not blocks:
        raise ItemError("no text that shows (a scan?)")
    return Document(key, title or one_line(name.replace("-", " ").replace("_", " ")), blocks)


@dataclass(frozen=True)
class _Ink:
    """How text would show: the graphics state as far as it matters here."""

    mode: int = 0
    pale: bool = False
    clear: bool = False
    points: float = 12.0


@dataclass
class _Sieve:
    """Empties the operands that show text while the ink is invisible; pypdf then skips them."""

    box: tuple[float, float, float, float]
    clear_states: dict[str, bool]
    ink: _Ink = _Ink()
    stack: list[_Ink] = field(default_factory=list)

    def before(self, operator: Any, operands: Any, cm: Any, tm: Any) -> None:
        if operator in {b"q", b"Do"}:
            self.stack.append(self.ink)
        elif operator == b"Q":
            self.restore()
        elif operator in {b"Tj", b"TJ", b"'", b'"'} and operands:
            if self._is_hidden(cm, tm):
                operands[-1] = ArrayObject() if operator == b"TJ" else TextStringObject("")
        elif operands:
            self._change(operator, operands)

    def after(self, operator: Any, _operands: Any, _cm: Any, _tm: Any) -> None:
        if operator == b"Do":  # what a form changes ends with it
            self.restore()

    def restore(self) -> None:
        if self.stack:
            self.ink = self.stack.pop()

    def _change(self, operator: bytes, operands: Any) -> None:
        if operator == b"Tr":
            self.ink = replace(self.ink, mode=int(operands[0]))
        elif operator == b"Tf" and len(operands) > 1:
            self.ink = replace(self.ink, points=abs(float(operands[1])))
        elif operator == b"gs":
            clear = self.clear_states.get(str(operands[0]), self.ink.clear)
            self.ink = replace(self.ink, clear=clear)
        elif operator in _COLOURS:
            values = [float(v) for v in operands if isinstance(v, int | float)]
            self.ink = replace(self.ink, pale=_is_pale(values))

    def _is_hidden(self, cm: Any, tm: Any) -> bool:
        if self.ink.mode in _INVISIBLE_MODES or self.ink.pale or self.ink.clear:
            return True
        a, b, c, d, e, f = (float(v) for v in cm)
        x, y = (float(v) for v in tm[4:6])
        scale = abs(float(tm[0]) * float(tm[3]) - float(tm[1]) * float(tm[2])) ** 0.5
        if self.ink.points * scale * abs(a * d - b * c) ** 0.5 < MIN_POINTS:
            return True
        left, bottom, right, top = self.box
        return not (left <= a * x + c * y + e <= right and bottom <= b * x + d * y + f <= top)


def _is_pale(values: list[float]) -> bool:
    if len(values) == 4:  # noqa: PLR2004 - cyan, magenta, yellow, black: no ink is white
        return all(v <= 1 - PALE for v in values)
    return bool(values) and all(v >= PALE for v in values)


def _page_lines(page: PageObject) -> list[str]:
    box = page.cropbox  # what viewers show; the page itself where nothing is cropped
    corners = (float(box.left), float(box.bottom), float(box.right), float(box.top))
    sieve = _Sieve(corners, dict(_clear_states(page)))
    text = page.extract_text(visitor_operand_before=sieve.before, visitor_operand_after=sieve.after)
    return [line for line in tidy(text).split("\n") if line]


def _clear_states(page: PageObject) -> Iterator[tuple[str, bool]]:
    """The page's graphics states that say how opaque fillings are, and whether they vanish."""
    resources = page.get("/Resources")
    states = resources.get_object().get("/ExtGState") if resources else None
    for name, state in (states.get_object() if states else {}).items():
        held = state.get_object()
        if "/ca" in held:  # one that is silent leaves it as it is
            yield str(name), float(held["/ca"]) < 1 - PALE


def _without_margins(pages: list[list[str]]) -> list[str]:
    """All lines but page numbers and those that stand on half of the pages (headers, footers)."""
    counts = Counter(line for page in pages for line in set(page))
    often = max(3, len(pages) / 2)
    return [
        line
        for page in pages
        for line in page
        if counts[line] < often and not _PAGE_NUMBER.match(line)
    ]


def _blocks(lines: list[str]) -> Iterator[Block]:
    heading, text = "overview", list[str]()
    for number, line in enumerate(lines):
        if _is_heading(line, text[-1] if text else "", lines[number + 1 : number + 2]):
            if text:
                yield Block((heading,), "\n".join(text))
            heading, text = line, []
        elif text and not _BULLET.match(line) and not re.search(r"[.!?:]$", text[-1]):
            text[-1] = _continued(text[-1], line)
        else:
            text.append(line)
    if text:
        yield Block((heading,), "\n".join(text))


def _continued(before: str, line: str) -> str:
    """A line and the next; a word broken at the end of a line is put together."""
    if re.search(r"[a-z]-$", before) and line[:1].islower():
        return before[:-1] + line
    return f"{before} {line}"


def _is_heading(line: str, before: str, after: list[str]) -> bool:
    """A short line without a stop, after a full sentence and before a new one."""
    fits = len(line.split()) <= HEADING_WORDS and line[:1].isupper() and not _STOP.search(line)
    starts = bool(after) and (after[0][:1].isupper() or _BULLET.match(after[0]) is not None)
    return fits and starts and (not before or re.search(r"[.!?]$", before) is not None)
