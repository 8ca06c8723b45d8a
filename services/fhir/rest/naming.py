"""The names that entries of a transaction have for one another, and what they become.

R4 has references, elements of type uri, url, oid and uuid, and links of the narrative replaced;
canonicals and other texts stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Resolve = Callable[[str], str | None]
"""What a name becomes; None leaves it as it is."""
_RESTFUL = re.compile(r"(https?://\S+?)/([A-Z][A-Za-z]{2,63})/([A-Za-z0-9\-.]{1,64})")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{2,63})\?(.+)")
_LINKS = re.compile(r"""(\b(?:href|src)\s*=\s*)(["'])(.*?)\2""")
_URLS = frozenset({"url", "uri", "valueUri", "valueUrl", "valueOid", "valueUuid"})
_EXTENSIONS = frozenset({"extension", "modifierExtension"})


def in_bundle(names: Mapping[str, str], full_url: str) -> Resolve:
    """Return what resolves names of the bundle, as seen from the entry ``full_url``."""
    own = _RESTFUL.fullmatch(full_url)
    base = f"{own[1]}/" if own else ""

    def resolve(name: str) -> str | None:
        plain = name.partition("/_history/")[0]
        return names.get(plain) or (names.get(base + plain) if base else None)

    return resolve


def references(value: Any) -> Iterator[str]:
    """Yield every literal reference in ``value``."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "reference" and isinstance(item, str):
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def conditional(reference: str) -> tuple[str, str] | None:
    """Type and query of a conditional reference (``Patient?identifier=…``); None for others."""
    found = _CONDITIONAL.fullmatch(reference)
    return (found[1], found[2]) if found else None


def renamed(value: Any, resolve: Resolve, within: str = "") -> Any:
    """Return ``value`` with its names resolved.

    Args:
        value: a resource or a part of one.
        resolve: says what a name becomes.
        within: element that it is a value of.
    """
    if isinstance(value, Mapping):
        return {
            key: _replaced(key, item, resolve, within)
            if isinstance(item, str)
            else renamed(item, resolve, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [renamed(item, resolve, within) for item in value]
    return value


def _replaced(key: str, text: str, resolve: Resolve, within: str) -> str:
    if key == "reference" or (key in _URLS and not (key == "url" and within in _EXTENSIONS)):
        return resolve(text) or text
    if key == "div" and within == "text":
        return _LINKS.sub(lambda m: f"{m[1]}{m[2]}{resolve(m[3]) or m[3]}{m[2]}", text)
    return text
