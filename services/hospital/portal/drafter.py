"""Who wrote a draft: model card, release notes and manifest, from what the draft names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from compliance.errors import NotFoundError
from compliance.transparency import card_html, load_cards
from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.manifest import BrickManifest, Evaluation
from services.bricks.store import BrickStore
from services.consult.messages import ModelCardRef
from services.hospital.portal.access import HOME, READERS, WATCHERS
from services.hospital.portal.pages import Portal
from services.web.i18n import Language

DRAFTER = "/portal/drafter"
RULES = {"record-rules", "triage-rules"}
SOURCES = "all-MiniLM-L6-v2 + BM25"
"""How the model is named where the words are the sources' own."""
EMBEDDED = "SmolLM2-135M"
CARDS = {"sources": ("matcher", "reader", "minilm"), "embedded": ("embedded-language-model",)}
_BRICK = re.compile(r" with ([a-z0-9][a-z0-9-]{0,47}@[1-9][0-9]{0,8})$")
_OTHER = re.compile(r"[^A-Za-z0-9.@:_-]+")


def drafter_of(model: ModelCardRef) -> str:
    """The address of what wrote the words: a brick, or a kind of writer with its digest."""
    found = _BRICK.search(model.name)
    if found:
        return f"{DRAFTER}/{found[1]}"
    if model.name in RULES:
        kind = model.name
    else:
        kind = "sources" if model.name.startswith(SOURCES) else "base"
    return f"{DRAFTER}/{_OTHER.sub('-', f'{kind}@{model.digest}')[:200]}"


@dataclass(frozen=True)
class Release:
    """What changed from one version of a brick to the next.

    Attributes:
        before: the version before, if it is here.
        note: what its maker says.
        figures: measured, each with the figure of what it replaces.
        sources: new ones; gone: those that are no longer among them.
        parents: bricks that it was made of.
    """

    before: str | None
    note: str | None
    figures: tuple[Evaluation, ...]
    sources: tuple[str, ...]
    gone: tuple[str, ...]
    parents: tuple[str, ...]


class DrafterPages:
    """The page of what wrote a draft, as a room of the portal.

    Args:
        store: of the hospital's bricks.
        model: who writes or chooses words here now.
        pushed: ``id@version`` of the experts that are in place.
    """

    def __init__(
        self,
        store: BrickStore,
        model: Callable[[], ModelCardRef],
        pushed: Callable[[], frozenset[str]],
    ) -> None:
        self._store, self._model, self._pushed = store, model, pushed

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add the page, and its address on the page of a referral."""

        def beside(_request: Request, item: Any, _who: Any) -> dict[str, Any]:
            return {"drafter": drafter_of(item.draft.model) if item.draft else ""}

        portal.beside.append(beside)

        @pages.get("/drafter/{asked}")
        def drafter(request: Request, asked: str) -> Response:
            """Model card and release notes."""
            who = portal.gate.let(request, READERS | WATCHERS)
            told = self.told(asked, portal.pages.language(request))
            t = portal.pages.translator(request)
            return portal.pages.render(
                request,
                "drafter",
                who,
                here=f"{DRAFTER}/{asked}",
                title=t("drafter.title"),
                current=HOME,
                asked=asked,
                **told,
            )

    def told(self, asked: str, language: Language) -> dict[str, Any]:
        """What is known of it.

        Raises:
            NotFoundError: it is none that writes here.
        """
        kind, _, version = asked.partition("@")
        manifest = self._brick(asked)
        if manifest is None and kind not in RULES | {"sources", "base"}:
            raise NotFoundError("There is no such brick here any more.")
        now = self._model()
        in_use = drafter_of(now).endswith(f"/{asked}") or asked in self._pushed()
        stands_on = manifest.base == now.digest if manifest else kind == "base" and in_use
        embedded = stands_on and EMBEDDED in now.name
        cards = CARDS["embedded"] if embedded else CARDS.get(kind, ())
        return {
            "kind": "brick" if manifest else kind,
            "version": version,
            "manifest": manifest,
            "release": self._release(manifest) if manifest else None,
            "raw": _pretty(manifest) if manifest else "",
            "in_use": in_use or kind in RULES,
            "cards": _cards(cards, language),
        }

    def _brick(self, ref: str) -> BrickManifest | None:
        try:
            return self._store.get(ref)
        except (BrickError, BrickUnknownError):
            return None

    def _release(self, manifest: BrickManifest) -> Release:
        number = next(
            (n for n in range(manifest.version - 1, 0, -1) if self._brick(f"{manifest.id}@{n}")),
            None,
        )
        before = self._brick(f"{manifest.id}@{number}") if number else None
        old = {source.name for source in before.sources} if before else set()
        new = {source.name for source in manifest.sources}
        return Release(
            before.ref if before else None,
            manifest.lineage.note,
            manifest.evaluations,
            tuple(sorted(new - old)) if before else (),
            tuple(sorted(old - new)),
            manifest.lineage.parents,
        )


@lru_cache(maxsize=16)
def _cards(ids: tuple[str, ...], language: Language) -> tuple[tuple[str, Markup], ...]:
    """Names and bodies of cards; files of an installation do not change while it runs."""
    there = {card.id: card for card in load_cards()}
    return tuple(
        (there[id_].name, Markup(card_html(there[id_], language)))  # noqa: S704 - escaped there
        for id_ in ids
        if id_ in there
    )


def _pretty(manifest: BrickManifest) -> str:
    return json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False)
