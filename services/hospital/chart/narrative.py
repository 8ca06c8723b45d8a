"""The text of a narrative: its words alone, with no markup left that a browser would follow."""

from __future__ import annotations

from html.parser import HTMLParser

from compliance.markup import with_ends

_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"}
_HIDDEN = {"script", "style", "head", "title", "template", "noscript", "iframe", "object"}
MAX_CHARS = 100_000


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line at a block; ``attrs`` say nothing."""
        del attrs
        self._hidden += tag in _HIDDEN
        self.said.append("\n" if tag in _BLOCKS else "\t" if tag in {"td", "th"} else "")

    def handle_endtag(self, tag: str) -> None:
        """End a line at a block."""
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        self.said.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if not self._hidden:
            self.said.append(" ".join(data.split()) if not data.isspace() else " ")
            if data[-1:].isspace():
                self.said.append(" ")


def text_of(xhtml: str) -> str:
    """Return the words of XHTML, one line a block; what cannot be read is left out."""
    parser = _Words()
    parser.feed(with_ends(xhtml[:MAX_CHARS]))
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.said).splitlines())
    return "\n".join(line for line in lines if line)
