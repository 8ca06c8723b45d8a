"""HTML as a reader sees it: headings and text, nothing that a page hides.

A page can hide words from people and show them to programs (styles, comments, templates, text of no
size). Such words never become knowledge. Struck-out text is left out too: it no longer holds.

A page is walked through as it was parsed, and never changed: to take one tag out of a wide page
costs as much as the page is wide.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement, PreformattedString
from soupsieve import SelectorSyntaxError

from services.bricks.ingest.clean import one_line, visible
from services.bricks.ingest.errors import ItemError
from services.bricks.ingest.item import Block, Document, Item, Source
from services.bricks.ingest.manifest import Manifest

MAX_BYTES = 20 * 2**20
"""A larger page is refused, in bytes."""
MAX_HIDING = 500
"""A page with more rules that hide is refused."""
MAX_LOOKS = 2_000_000
"""A page is refused with more tags times rules that hide."""
MAX_STYLE = 4000
"""What has a longer style of its own counts as hidden, in characters."""

_NO_TEXT = frozenset(
    "script style template noscript head svg math iframe object embed canvas audio video form"
    " button select textarea input nav footer aside dialog del s strike".split()
)
_BLOCKS = frozenset(
    "p div section article main ul ol dl dt dd blockquote pre table caption figure figcaption"
    " header address details summary hr".split()
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
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
    hidden = _hidden(soup)
    first: dict[str, Tag] = {}
    for one, ends in _walk(soup, hidden):
        if isinstance(one, Tag) and not ends:
            first.setdefault(one.name, one)
    title = _on_one_line(first["h1"], hidden) if "h1" in first else title
    body = next((first[name] for name in ("main", "article", "body") if name in first), soup)
    return title, tuple(_split(_text(body, hidden), title))


def strip_markup(text: str) -> str:
    """A text that may hold markup, without it: a line a block, items of lists with a dash."""
    if not re.search(r"<[a-zA-Z!/?]|&[#a-z]\w+;", text):
        return visible(text)
    soup = _parse(text.replace("\n", "<br>") if "</p>" not in text else text)
    return re.sub(r"\x00\d\x00", "", _text(soup, _hidden(soup)))


def _parse(markup: str | bytes) -> BeautifulSoup:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about short texts and XHTML: both are as they should be
        return BeautifulSoup(markup, "lxml")


def _hidden(soup: BeautifulSoup) -> set[int]:
    """The tags that a page does not show, by `id`; what is in them is not shown either.

    Raises:
        ItemError: it hides too much.
    """
    tags, selectors = soup.find_all(True), _hiding_selectors(soup)
    if len(tags) * len(selectors) > MAX_LOOKS:
        raise ItemError("too many rules that hide something, for so large a page")
    found = {id(tag) for tag in tags if _is_hidden(tag)}
    for selector in selectors:
        try:
            found.update(id(tag) for tag in soup.select(selector))
        except (SelectorSyntaxError, NotImplementedError):
            # states and generated content (`:hover`, `::before`), which hide no text of the page
            continue
    return found


def _walk(root: Tag, hidden: set[int]) -> Iterator[tuple[Tag | str, bool]]:
    """What a page shows below a tag, in its order: texts, and tags at their begin and their end."""
    way: list[tuple[Tag, Iterator[PageElement]]] = [(root, iter(root.contents))]
    while way:
        tag, rest = way[-1]
        one = next(rest, None)
        if one is None:
            way.pop()
            if way:
                yield tag, True
        elif isinstance(one, Tag):
            if id(one) not in hidden:
                yield one, False
                way.append((one, iter(one.contents)))
        elif isinstance(one, NavigableString) and not isinstance(one, PreformattedString):
            yield str(one), False  # no comment, declaration or processing instruction


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
    if tag.name in {"html", "body"}:
        return False
    style = tag.get("style")
    classes = tag.get_attribute_list("class")
    return (
        tag.name in _NO_TEXT
        or (tag.name == "sup" and "reference" in classes)
        or tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or (isinstance(style, str) and _hides(style))
        or any(_HIDDEN_CLASS.match(str(c)) for c in classes if c)
    )


def _on_one_line(tag: Tag, hidden: set[int]) -> str:
    return one_line(" ".join(one for one, _ in _walk(tag, hidden) if isinstance(one, str)))


def _text(root: Tag, hidden: set[int]) -> str:
    """The text with line ends where a page shows them, a dash before items, marks of headings."""
    out: list[str] = []
    whole: Tag | None = None  # a heading or row, which was said on one line when it began
    for one, ends in _walk(root, hidden):
        if whole is not None:
            whole = None if one is whole else whole
        elif isinstance(one, str):
            # the mark cannot be forged: visible() takes every such character out
            out.append(re.sub(r"\s+", " ", visible(one)))
        elif one.name in _HEADINGS:
            whole = one
            out.append(f"\n\x00{one.name[1]}\x00{_on_one_line(one, hidden)}\n")
        elif one.name == "tr":
            whole = one
            out.append(_row(one, hidden))
        elif one.name == "li":
            out.append("\n" if ends else "\n- ")
        elif one.name in _BLOCKS or (one.name == "br" and not ends):
            out.append("\n")
    return "".join(out)


def _row(tag: Tag, hidden: set[int]) -> str:
    """A row of two cells is a name and its value; a wider one says nothing by itself."""
    there = tag.find_all(["td", "th"], recursive=False)
    cells = [_on_one_line(cell, hidden) for cell in there if id(cell) not in hidden]
    return f"\n- {cells[0]}: {cells[1]}\n" if len(cells) == 2 else "\n"  # noqa: PLR2004


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
