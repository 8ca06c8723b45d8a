"""Markup of others, before a parser that forgives reads it."""

from __future__ import annotations

import re

_NEVER_ENDS = re.compile(r"<(?=!\[|[^<>]*(?:<|\Z))")


def with_ends(markup: str) -> str:
    """The markup without the ``<`` after which another one, or the end, comes before any ``>``.

    XML takes none of them. A forgiving parser looks for the end of each through all of the rest:
    100,000 characters of them would hold it for a minute. Marked sections (``<![``), at which it
    may give up, become text too.

    Example:
        >>> with_ends("<p>if a < b <em>then</em> <a <a")
        '<p>if a   b <em>then</em>  a  a'
    """
    return _NEVER_ENDS.sub(" ", markup)
