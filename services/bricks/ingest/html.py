"""HTML as a reader sees it: headings and text, nothing that a page hides.

A page can hide words from people and show them to programs (styles, comments, templates, text of no
size). Such words never become knowledge. Struck-out text is left out too: it no longer holds.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString
from soupsieve import SelectorSyntaxError

from services.bricks.ingest.clean import one_line, visible
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.item import Block, Document, Item, Source
from services.bricks.ingest.manifest import Manifest

MAX_BYTES = 20 * 2**20
"""A larger page is refused, in bytes."""
MAX_HIDING = 500
"""A page with more rules that hide is refused."""
MAX_STYLE = 4000
"""What has a longer style of its own counts as hidden, in characters."""

_NO_TEXT = (
    "script style template noscript head svg math iframe object embed canvas audio video form"
    " button select textarea input nav footer aside dialog del s strike sup.reference"
).split()
_BLOCKS = (
    "p div section article main ul ol dl dt dd blockquote pre table caption tr figure figcaption"
    " header address details summary hr"
).split()
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_HIDDEN_CLASS = re.compile(
    r"^(sr-only|visually-?hidden|screen-reader-text|hidden|d-none|is-hidden|hide|invisible)$",
    re.IGNORECASE,
)
_HIDDEN_STYLE = re.compile(
    r"display:none|visibility:(hidden|collapse)|opacity:(0|0?\.0\d*)(?![.\d])|"
    r"font-size:[01](\.\d+)?(px|pt|em|rem|%)?(;|!|$)|(?<![a-z-])(max-)?(width|height):[01](px)?(;|!|$)|"
    r"clip:rect|clip-path:inset\((50|100)%|text-indent:-\d{3}|(left|top|right|bottom):-\d{3}|"
    r"transform:scale\(0|(?<![a-z-])color:(transparent|white|#f{3}\b|#f{6}\b|rgba\([^)]*,0(\.0+)?\))"
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
_MARK = re.compile(r"^\x00([1-6])\x00(.*)$")


def read_html(source: Source, _pack: Manifest) -> Iterator[Item]:
    """One document a file."""
    path = source.path
    if path.stat().st_size > MAX_BYTES:
        raise ItemError(f"the page is larger than {MAX_BYTES >> 20} MiB")
    raw = path.read_bytes()
    yield Item(source.name, raw, lambda: html_document(raw, path.stem, source.name))


def html_document(markup: str | bytes, name: str, key: str) -> Document:
    """The document of a page; ``name`` is its title if it has none."""
    title, blocks = html_blocks(markup)
    return Document(key, title or one_line(name.replace("-", " ").replace("_", " ")), blocks)


def html_blocks(markup: str | bytes) -> tuple[str, tuple[Block, ...]]:
    """Title (may be empty) and text of a page, by heading.

    Raises:
        ItemError: it is too large, or hides too much.
    """
    if len(markup) > MAX_BYTES:  # an attachment has no file whose size was looked at
        raise ItemError(f"the page is larger than {MAX_BYTES >> 20} MiB")
    soup = _parse(markup)
    title = one_line(soup.title.get_text()) if soup.title else ""
    _remove_hidden(soup)
    first = soup.find("h1")
    title = one_line(first.get_text(" ")) if first else title
    body = soup.find("main") or soup.find("article") or soup.body or soup
    _mark_lines(soup)
    return title, tuple(_split(body.get_text(), title))


def strip_markup(text: str) -> str:
    """A text that may hold markup, without it: a line a block, items of lists with a dash."""
    if not re.search(r"<[a-zA-Z!/?]|&[#a-z]\w+;", text):
        return visible(text)
    soup = _parse(text.replace("\n", "<br>") if "</p>" not in text else text)
    _remove_hidden(soup)
    _mark_lines(soup)
    return re.sub(r"\x00\d\x00", "", soup.get_text())


def _parse(markup: str | bytes) -> BeautifulSoup:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about short texts and XHTML: both are as they should be
        return BeautifulSoup(markup, "lxml")


def _remove_hidden(soup: BeautifulSoup) -> None:
    for selector in _hiding_selectors(soup):
        try:
            found = soup.select(selector)
        except (SelectorSyntaxError, NotImplementedError):
            # states and generated content (`:hover`, `::before`), which hide no text of the page
            continue
        _drop(found)
    for special in soup.find_all(string=lambda s: isinstance(s, PreformattedString)):
        special.extract()  # comments, declarations, processing instructions
    _drop(soup.select(", ".join(_NO_TEXT)))
    _drop(tag for tag in soup.find_all(True) if _is_hidden(tag))


def _drop(tags: object) -> None:
    for tag in list(tags):  # type: ignore[call-overload]
        if not tag.decomposed:
            tag.decompose()


def _hiding_selectors(soup: BeautifulSoup) -> list[str]:
    """Selectors of the page's own styles that hide what they select."""
    found: list[str] = []
    for sheet in soup.find_all("style"):
        first, *rest = sheet.get_text().split("/*")
        css = first + " ".join(part.partition("*/")[2] for part in rest)
        for rule in css.split("}"):
            *_, selector, declarations = ["", *rule.split("{")]
            if _hides(declarations):
                found.append(selector.strip())
    if len(found) > MAX_HIDING:
        raise ItemError(f"more than {MAX_HIDING} rules that hide something")
    return found


def _hides(style: str) -> bool:
    """Whether declarations hide; comments and escapes are read as browsers read them."""
    if len(style) > 4 * MAX_STYLE:
        return True
    bare = _ESCAPE.sub(lambda m: chr(min(int(m[1], 16), 0xFFFF)), _COMMENT.sub("", style))
    plain = "".join(bare.replace("\\", "").lower().split())
    return len(plain) > MAX_STYLE or _HIDDEN_STYLE.search(plain) is not None


def _is_hidden(tag: Tag) -> bool:
    if tag.attrs is None or tag.name in {"html", "body"}:
        return False
    style = tag.get("style")
    classes = tag.get_attribute_list("class")
    return (
        tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or (isinstance(style, str) and _hides(style))
        or any(_HIDDEN_CLASS.match(str(c)) for c in classes if c)
    )


def _mark_lines(soup: BeautifulSoup) -> None:
    """Put line ends where a page shows them, a dash before items, a mark before headings."""
    for text in soup.find_all(string=True):
        # the mark cannot be forged: visible() takes every such character out
        text.replace_with(NavigableString(re.sub(r"\s+", " ", visible(str(text)))))
    for tag in soup.find_all("br"):
        tag.replace_with("\n")
    for tag in soup.find_all(_HEADINGS):
        tag.replace_with(f"\n\x00{tag.name[1]}\x00{one_line(tag.get_text(' '))}\n")
    for tag in soup.find_all("tr"):
        cells = [one_line(c.get_text(" ")) for c in tag.find_all(["td", "th"], recursive=False)]
        # a row of two cells is a name and its value; a wider one says nothing by itself
        tag.replace_with(f"\n- {cells[0]}: {cells[1]}\n" if len(cells) == 2 else "\n")  # noqa: PLR2004
    for tag in soup.find_all("li"):
        tag.insert(0, "\n- ")
        tag.append("\n")
    for tag in soup.find_all(_BLOCKS):
        tag.insert_before("\n")
        tag.insert_after("\n")


def _split(text: str, title: str) -> Iterator[Block]:
    above: dict[int, str] = {}
    lines: list[str] = []
    for line in text.split("\n"):
        mark = _MARK.match(line.strip(" "))
        if mark is None:
            lines.append(line)
            continue
        yield from _block(above, lines, title)
        lines, level = [], int(mark[1])
        above = {k: v for k, v in above.items() if k < level} | {level: mark[2]}
    yield from _block(above, lines, title)


def _block(above: dict[int, str], lines: list[str], title: str) -> Iterator[Block]:
    text = "\n".join(line.strip() for line in lines if line.strip())
    headings = tuple(h for _, h in sorted(above.items()) if h != title)
    if text:
        # what stands above the first heading says what it is
        yield Block(headings or ("overview",), text)
