"""Every address of an application, filled in: so that a test of all pages also tries new ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

NOBODY = "00000000-0000-4000-8000-000000000000"
_PLACE = re.compile(r"\{(\w+)(?::path)?\}")


@dataclass(frozen=True)
class Address:
    """One route; ``template`` still has its places."""

    method: str
    template: str

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def places(self) -> list[str]:
        """Names of what has to be filled in."""
        return _PLACE.findall(self.template)

    def path(self, **values: str) -> str:
        """The address with its places filled; what has no value gets an id that nobody has."""
        return _PLACE.sub(lambda place: values.get(place[1], NOBODY), self.template)


def addresses(app: Any) -> list[Address]:
    """Every route of an application, those of included routers too, without mounted folders."""
    return [Address(*one) for one in _walk(app.routes, "")]


def _walk(routes: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _walk(inner.routes, prefix + route.include_context.prefix)
            continue
        for method in sorted((getattr(route, "methods", None) or set()) - {"HEAD"}):
            yield method, prefix + route.path


class _Injected(HTMLParser):
    """Collects what an injection would add: inline scripts, handlers, styles, foreign elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        inline = tag == "script" and "src" not in names
        if inline or tag in {"style", "iframe", "object", "embed", "base"}:
            self.found.append(tag)
        self.found += [name for name in names if name.startswith("on") or name == "style"]
        self.found += [
            f"{name}={value}"
            for name, value in attrs
            if name in {"href", "src", "action", "formaction"}
            and (value or "").strip().lower().startswith(("javascript:", "vbscript:", "data:text"))
        ]


def injected(page: str) -> list[str]:
    """What in a page no template of ours has put there."""
    parser = _Injected()
    parser.feed(page)
    parser.close()
    return parser.found


def poisoned(value: Any, words: str, keep: Mapping[str, bool] = {}) -> Any:
    """A FHIR resource with ``words`` after each text that a person may have written.

    Codes, ids, dates, addresses and references stay, so that it is still what it was.
    """
    texts = {"text", "display", "family", "title", "name", "description", "note", "valueString",
             "comment", "line", "city", "value"}  # fmt: skip
    if isinstance(value, dict):
        return {
            key: (one + words if key in texts and isinstance(one, str) and not keep.get(key)
                  else [f"{given}{words}" for given in one] if key in {"given", "line"}
                  else poisoned(one, words, keep))
            for key, one in value.items()
            if key != "div"
        }  # fmt: skip
    return [poisoned(one, words, keep) for one in value] if isinstance(value, list) else value
