r"""Text of a record within GitHub-flavoured Markdown, as nothing but text.

    >>> fill("Listed: {name}", name="<b>[x](javascript:y)</b>")
    'Listed: &lt;b&gt;\\[x\\](javascript : y)&lt;/b&gt;'

Names in a record and in a request are written by others. Within a card they must not become a link,
an image or markup, whichever way an EHR shows them: as GitHub's Markdown, which makes links of bare
addresses too, as plain text, or carelessly as HTML.
"""

from __future__ import annotations

import re
import unicodedata

MAX_VALUE_CHARS = 160
"""Longest text of a record that is quoted, in characters."""
_SPECIAL = re.compile(r"([\\`*_\[\]|~])")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_MARKUP = str.maketrans(dict.fromkeys('<>`[]|"\\', " "))
_SCHEME = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{1,20}):(?=\S)")
_WWW = re.compile(r"(?i)\bwww\.")


def plain(value: object, limit: int = MAX_VALUE_CHARS) -> str:
    """One line of text: no control characters, nothing that a reader turns into a link or markup.

    Args:
        value: from a record or a request.
        limit: longest result, in characters.
    """
    return _clipped(_linkless(str(value).translate(_MARKUP)), limit)


def text(value: object, limit: int = MAX_VALUE_CHARS) -> str:
    """The same for use within Markdown: everything that means something there is escaped."""
    line = _clipped(_linkless(str(value)), limit)
    return _SPECIAL.sub(r"\\\1", line.translate(_HTML))


def fill(template: str, **values: object) -> str:
    """Put values into a sentence of ours, each as `text`."""
    return template.format(**{name: text(value) for name, value in values.items()})


def _linkless(value: str) -> str:
    kept = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} else c for c in value
    )
    kept = _WWW.sub("www .", _SCHEME.sub(r"\1 : ", kept)).replace("@", " at ")
    return " ".join(kept.split())


def _clipped(line: str, limit: int) -> str:
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
