"""Asking one expert: its sentences, each with the source that carries it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, nullcontext

from services.consult.draft import Drafter, Said
from services.consult.ground import Quote
from services.consult.messages import Citation, ModelCardRef, Sentence
from services.engines.errors import (
    AdapterUnknownError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
)
from services.engines.protocol import EngineCard
from services.experts import Experts
from services.experts.errors import ExpertUnknownError
from services.experts.expert import Expert
from services.hospital.gateway.errors import GatewayFullError
from services.hospital.gateway.slots import Slots
from services.hospital.opinions.round import Opinion, Trouble


class Asking:
    """One question to experts.

    Args:
        drafter: writes with an adapter.
        card: of the engine.
        question: as it was asked, de-identified.
        quotes: the material.
    """

    def __init__(
        self, drafter: Drafter, card: EngineCard, question: str, quotes: Sequence[Quote]
    ) -> None:
        self._drafter, self._card = drafter, card
        self._question, self._quotes = question, quotes

    async def one(
        self, expert: Expert, experts: Experts, slots: Slots | None, key: str, seconds: float
    ) -> Opinion:
        """What an expert says; whatever goes wrong stands in it, and keeps nobody else waiting."""
        began, said, unsourced = time.monotonic(), list[Said](), 0
        trouble: Trouble | None = None
        try:
            async with (
                asyncio.timeout(seconds),
                slots.slot(key) if slots else nullcontext(),
            ):
                with experts.using(expert.id):
                    words = self._drafter.judged(self._question, self._quotes, expert.id)
                    async with aclosing(words) as sentences:
                        async for one in sentences:
                            said += [one] if one is not None and _new(one, said) else []
                            unsourced += one is None
        except (TimeoutError, EngineTimeoutError):
            trouble = "time"
        except (ExpertUnknownError, AdapterUnknownError):
            trouble = "gone"
        except (GatewayFullError, EngineBusyError):
            trouble = "busy"
        except EngineError:
            trouble = "failed"
        took = round(time.monotonic() - began, 1)
        return self._opinion(expert, [] if trouble else said, unsourced, took, trouble)

    def _opinion(
        self,
        expert: Expert,
        said: Sequence[Said],
        unsourced: int,
        seconds: float,
        trouble: Trouble | None,
    ) -> Opinion:
        return Opinion(
            by=expert.id,
            brick=expert.ref,
            title=expert.title,
            model=ModelCardRef(name=f"{self._card.name} with {expert.ref}", digest=expert.digest),
            sentences=tuple(
                Sentence(text=one.text, citations=(one.quote.passage.id,)) for one in said
            ),
            citations=_citations(said),
            unsourced=0 if trouble else unsourced,
            seconds=seconds,
            trouble=trouble,
        )


def _new(one: Said, said: Sequence[Said]) -> bool:
    return all(one.quote is not before.quote for before in said)


def _citations(said: Sequence[Said]) -> tuple[Citation, ...]:
    """One citation a passage, with the sentences of it that carry something."""
    quotes: dict[str, list[Quote]] = {}
    for one in said:
        quotes.setdefault(one.quote.passage.id, []).append(one.quote)
    return tuple(
        Citation(
            id=id_,
            title=found[0].passage.topic.title,
            source=found[0].passage.source.name,
            url=found[0].passage.source.url,
            date=found[0].passage.date,
            quote=" ".join(quote.text for quote in found),
        )
        for id_, found in quotes.items()
    )
