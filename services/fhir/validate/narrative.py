"""Whether the narrative of a resource is the small, harmless XHTML that R4 allows (txt-1, txt-2).

    rule_broken('<div xmlns="http://www.w3.org/1999/xhtml"><script/></div>')   # "… (txt-1)"

A whitelist of elements and attributes: no scripts, forms, frames, event attributes, stylesheets
or namespaces other than XHTML. Stricter than R4 in one thing: pictures must be part of the record
(``#id``, a relative address or a raster ``data:`` image), since a picture on somebody else's server
tells them who reads the record. A DTD is refused where it begins, so no entity can be declared;
the named characters of HTML (``&nbsp;``) are accepted, as other servers send them. What XML and
HTML read differently (CDATA, some comments) is refused: the text may end up in a browser.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Callable, Mapping
from xml.parsers import expat

MAX_DEPTH = 100
"""Most elements within one another."""
MAX_CHARS = 4 << 20
"""Longest narrative, in characters."""
_XHTML = "http://www.w3.org/1999/xhtml "
_LANGUAGE = "http://www.w3.org/XML/1998/namespace lang"
_ELEMENTS = frozenset(
    """a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div
    dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table
    tbody td tfoot th thead tr tt ul var""".split()
)
_ATTRIBUTES = frozenset(
    """abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign
    char charoff charset cite class colspan compact coords dir frame headers height href hreflang
    hspace id lang longdesc name nowrap rel rev rowspan rules scope shape span src start style
    summary tabindex title type usemap valign value vspace width""".split()
) | {_LANGUAGE}
_TAGS = frozenset(_XHTML + name for name in _ELEMENTS)
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_SCHEME = re.compile(r"\s*([^/?#]*?):")
_LINKS = frozenset({"http", "https", "mailto", "tel", "ftp", "urn"})
_IMAGE = re.compile(r"data:\s*image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/=\s]*")
_STYLE = re.compile(
    r"\\|/\*|@|<|expression|javascript|behaviou?r|-moz-binding|image-set", re.IGNORECASE
)
_STYLE_URL = re.compile(r"url\s*\(\s*['\"]?([^'\")]*)", re.IGNORECASE)


def rule_broken(div: str) -> str | None:
    """Return the rule that the content of ``Narrative.div`` breaks, or None."""
    if len(div) > MAX_CHARS:
        return "is longer than 4 MB"
    try:
        reading = _Reading()
        reading.parser.Parse(_NAMED.sub(_character, div).encode(), True)  # its API
    except _BrokenError as broken:
        return broken.rule
    except (expat.ExpatError, ValueError):
        return "is not well-formed XHTML (txt-1)"
    return None if reading.shown else "has nothing to read (txt-2)"


class _BrokenError(Exception):
    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class _Reading:
    """Reads a narrative from end to end and raises `_BrokenError` at the first broken rule."""

    def __init__(self) -> None:
        self.shown = False
        self._depth = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.CommentHandler = self._comment
        self.parser.XmlDeclHandler = self._refuse
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.ProcessingInstructionHandler = self._refuse
        self.parser.StartCdataSectionHandler = self._refuse

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _BrokenError(f"nests more than {MAX_DEPTH} elements")
        if self._depth == 1 and tag != f"{_XHTML}div":
            raise _BrokenError("must be one div in the namespace of XHTML (txt-1)")
        if tag not in _TAGS:
            raise _BrokenError("holds an element that narrative may not have (txt-1)")
        for name, value in attributes.items():
            _attribute(name, value)
        self.shown = self.shown or (tag == f"{_XHTML}img" and "src" in attributes)

    def _end(self, _tag: str) -> None:
        self._depth -= 1

    def _text(self, data: str) -> None:
        self.shown = self.shown or not data.isspace()

    def _comment(self, data: str) -> None:
        if data.startswith((">", "->")):  # where a browser ends the comment, and XML does not
            self._refuse()

    def _refuse(self, *_declared: object) -> None:
        raise _BrokenError("must not hold declarations, instructions or CDATA (txt-1)")


def _attribute(name: str, value: str) -> None:
    if name not in _ATTRIBUTES:
        raise _BrokenError("holds an attribute that narrative may not have (txt-1)")
    check = _VALUES.get(name)
    if check and not check(value):
        raise _BrokenError(f"has a {name} that narrative may not have (txt-1)")


def _link(value: str) -> bool:
    if any(ord(char) <= 32 for char in value.strip()):  # noqa: PLR2004  # blanks and controls
        return False
    scheme = _SCHEME.match(value)
    return scheme is None or scheme[1].lower() in _LINKS


def _picture(value: str) -> bool:
    if _IMAGE.fullmatch(value):
        return True
    return _SCHEME.match(value) is None and not value.strip().replace("\\", "/").startswith("//")


def _style(value: str) -> bool:
    return not _STYLE.search(value) and all(_picture(url) for url in _STYLE_URL.findall(value))


_VALUES: Mapping[str, Callable[[str], bool]] = {
    "href": _link,
    "cite": _link,
    "longdesc": _link,
    "src": _picture,
    "usemap": _picture,
    "style": _style,
    "rel": lambda value: "stylesheet" not in value.lower(),
}


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name in _XML_NAMES or name not in html.entities.name2codepoint:
        return match[0]
    return chr(html.entities.name2codepoint[name])
