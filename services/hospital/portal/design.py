"""The page of the design: every token and every component of both clients, in both themes.

What stands under "code" is the very text that is drawn above it: one file of
``templates/design`` for each component. No data of anybody is on the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from services.hospital.portal.access import ADMINS, READERS, WATCHERS
from services.hospital.portal.pages import Portal
from services.web.palette import lengths, pairs, themes

DESIGN = "/portal/design"
EVERYBODY = READERS | WATCHERS | ADMINS
EXAMPLES = Path(__file__).parent / "templates" / "design"
ORDER = (
    *("button", "icon", "navigation", "page", "card", "banner", "label", "field"),
    *("table", "list", "dialog", "toast", "waiting", "empty", "tabs", "answer"),
    *("receipt", "ledger", "curve", "keys", "flow", "words"),
)
"""Components in the order of the page; each has its words under ``design.<name>``."""
PRESSED = frozenset({
    "button", "navigation", "field", "table", "list", "dialog", "toast", "tabs", "answer", "keys",
})  # fmt: skip
"""Components that a keyboard does something with; their words say what."""


@dataclass(frozen=True)
class Component:
    """One component: its name and the template that draws it."""

    name: str
    source: str

    @property
    def template(self) -> str:
        """Name of the template."""
        return f"design/{self.name}.html"

    @property
    def pressed(self) -> bool:
        """Whether a keyboard does something with it."""
        return self.name in PRESSED


@lru_cache
def components() -> tuple[Component, ...]:
    """All components, in the order of the page."""
    return tuple(
        Component(name, (EXAMPLES / f"{name}.html").read_text("utf-8").strip()) for name in ORDER
    )


def design_pages(pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
    """Add the page."""

    @pages.get("/design")
    def design(request: Request) -> Response:
        """Tokens and components, for whoever is signed in."""
        who = portal.gate.let(request, EVERYBODY)
        return portal.pages.render(
            request,
            "design",
            who,
            here=DESIGN,
            title=portal.pages.translator(request)("design.title"),
            components=components(),
            colours=list(themes()["light"]),
            pairs=pairs(),
            lengths={kind: lengths(kind) for kind in ("text", "space", "radius")},
        )
