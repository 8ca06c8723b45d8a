"""Asking one expert: its sentences, each with the source that carries it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing

from services.consult.draft import Drafter, Said
from services.consult.ground import Quote
from services.consult.messages import Citation, ModelCardRef, Sentence
from services.engines.errors import (
    AdapterUnknownError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
)
from services.engines.protocol import Engine
from services.experts import Experts
from services.experts.errors import ExpertUnknownError
from services.experts.expert import Expert
from services.hospital.gateway.errors import GatewayFullError
from services.hospital.opinions.material import Given
from services.hospital.opinions.round import Opinion, Trouble
from services.hospital.opinions.turns import Turns


class Asking:
    """One question to experts.

    Args:
        drafter: writes with an adapter.
        engine: that answers.
        question: as it was asked, de-identified.
        turns: at the engine; key: of who asks, for whom turns are taken.
        seconds: that an expert has from its turn on.
    """

    def __init__(
        self,
        drafter: Drafter,
        engine: Engine,
        question: str,
        *,
        turns: Turns,
        key: str,
        seconds: float,
    ) -> None:
        self._drafter, self._engine, self._question = drafter, engine, question
        self._turns, self._key, self._seconds = turns, key, seconds

    async def one(
        self, expert: Expert, experts: Experts, given: Given, began: Callable[[], None]
    ) -> Opinion:
        """What an expert says; whatever goes wrong stands in it, and keeps nobody else waiting.

        Args:
            expert: that is asked.
            experts: among which it stays until it has ended.
            given: the material that it answers from.
            began: called when it has its turn.
        """
        asked, turned = time.monotonic(), 0.0
        heard: Heard = ((), 0)
        trouble: Trouble | None = None
        try:
            async with self._turns.turn(self._engine, self._key):
                turned = time.monotonic()
                began()
                with experts.using(expert.id):
                    async with asyncio.timeout(self._seconds):
                        heard = await self._heard(expert, given.quotes)
        except (TimeoutError, EngineTimeoutError):
            trouble = "time"
        except (ExpertUnknownError, AdapterUnknownError):
            trouble = "gone"
        except (GatewayFullError, EngineBusyError):
            trouble = "busy"
        except EngineError:
            trouble = "failed"
        ended = time.monotonic()
        made = self.opinion(expert, *heard, trouble=trouble)
        took = {"seconds": round(ended - (turned or ended), 1), "own": given.own}
        waited = round((turned or ended) - asked, 1)
        return made.model_copy(update={**took, "waited": waited})

    async def _heard(self, expert: Expert, quotes: Sequence[Quote]) -> Heard:
        said, unsourced = list[Said](), 0
        words = self._drafter.judged(self._question, quotes, expert.id)
        async with aclosing(words) as sentences:
            async for one in sentences:
                said += [one] if one is not None and _new(one, said) else []
                unsourced += one is None
        return said, unsourced

    def opinion(
        self,
        expert: Expert,
        said: Sequence[Said] = (),
        unsourced: int = 0,
        *,
        trouble: Trouble | None = None,
    ) -> Opinion:
        """What an expert said as an opinion; of one that broke off nothing is kept."""
        card = self._engine.card
        return Opinion(
            by=expert.id,
            brick=expert.ref,
            title=expert.title,
            model=ModelCardRef(name=f"{card.name} with {expert.ref}", digest=expert.digest),
            sentences=tuple(
                Sentence(text=one.text, citations=(one.quote.passage.id,)) for one in said
            ),
            citations=_citations(said),
            unsourced=unsourced,
            trouble=trouble,
        )


Heard = tuple[Sequence[Said], int]
"""What a source carries, and how many sentences none does."""


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
