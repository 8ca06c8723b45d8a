"""Draft: put the material into words.

The words are the sources' own sentences, unless the catalogue lets the engine write; then each
sentence it finishes is judged before anybody sees it, and what the judge refuses is replaced by the
source's own sentence. An engine that fails costs nothing but its draft.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from services.bricks.knowledge import split_sentences
from services.consult.ground import Quote
from services.consult.judge import Judge
from services.engines.errors import AdapterUnknownError, EngineError
from services.engines.protocol import Authoring, Budget, Engine, EngineCard, Prompt

SILENT = "I do not know."
"""What an engine is to say where the material does not answer."""
SYSTEM = (
    "You help a patient to understand health information. Answer only with sentences from the"
    " material, in the order that answers the question best. Copy each sentence exactly. Do not add"
    f" anything. If the material does not answer the question, reply: {SILENT}"
)


class Said(NamedTuple):
    """A sentence, the quote that carries it, and who wrote it.

    ``by`` is the name of the model, with its adapter where one was used; None for the source's own
    sentence, which nobody wrote.
    """

    text: str
    quote: Quote
    by: str | None = None


class Drafter:
    """Writes an answer from quotes, by engine where it may, else in the sources' own words."""

    def __init__(self, engine: Engine | None, judge: Judge, budget: Budget) -> None:
        self._engine, self._judge, self._budget = engine, judge, budget

    @property
    def writes(self) -> bool:
        """Whether an engine writes here."""
        return self._engine is not None and self._engine.card.authoring is not Authoring.NONE

    async def draft(
        self, question: str, quotes: Sequence[Quote], adapter: str | None = None
    ) -> AsyncIterator[Said]:
        """Yield sentences with the quote that carries each; never one without.

        Args:
            question: as it was asked.
            quotes: the material.
            adapter: that the engine is to use; the base model writes where it was taken away
                since it was chosen.
        """
        said: set[Quote] = set()
        if self._engine is not None and self.writes:
            authoring = self._engine.card.authoring
            written = self._written(self._engine, question, quotes, adapter)
            async with aclosing(written) as sentences:
                async for sentence, by in sentences:
                    carried = self._judge.support(sentence, quotes, authoring)
                    if carried is not None and carried not in said:
                        said.add(carried)
                        yield Said(sentence, carried, by)
        for quote in quotes:
            if quote not in said:
                yield Said(quote.text, quote)

    async def judged(
        self, question: str, quotes: Sequence[Quote], adapter: str | None = None
    ) -> AsyncGenerator[Said | None, None]:
        """Yield what the engine itself writes; None for a sentence that no quote carries.

        That it says that it does not know is no sentence: then nothing is yielded for it.
        Nothing is put in its place: this is to hear a model, not to answer anybody.

        Args:
            question: as it was asked.
            quotes: the material.
            adapter: that the engine is to use.

        Raises:
            EngineError: or one of its kinds; AdapterUnknownError where the adapter is not held.
        """
        if self._engine is None or not self.writes:
            return
        card = self._engine.card
        written = self._sentences(self._engine, question, quotes, adapter)
        async with aclosing(written) as sentences:
            async for sentence in sentences:
                if sentence == SILENT:
                    continue
                carried = self._judge.support(sentence, quotes, card.authoring)
                yield Said(sentence, carried, name_of(card, adapter)) if carried else None

    async def _written(
        self, engine: Engine, question: str, quotes: Sequence[Quote], adapter: str | None
    ) -> AsyncGenerator[tuple[str, str], None]:
        """Sentences with who wrote each; an engine that fails ends them."""
        for used in (adapter, None) if adapter else (None,):
            by = name_of(engine.card, used)
            sentences = self._sentences(engine, question, quotes, used)
            try:
                async with aclosing(sentences) as stream:
                    async for sentence in stream:
                        yield sentence, by
            except AdapterUnknownError:
                continue
            except EngineError:
                pass  # the sources' own words follow
            return

    async def _sentences(
        self, engine: Engine, question: str, quotes: Sequence[Quote], adapter: str | None
    ) -> AsyncGenerator[str, None]:
        material = "\n".join(f"- {q.text}" for q in quotes)
        asked = f"Material:\n{material}\n\nQuestion: {question}\nAnswer:"
        prompt = Prompt(SYSTEM, asked, adapter=adapter)
        buffer = ""
        async for piece in engine.generate(prompt, self._budget):
            *lines, buffer = (buffer + piece).split("\n")
            for line in lines:
                for sentence in split_sentences(_unlisted(line)):
                    yield sentence
            *done, _last = split_sentences(buffer) or [""]
            for sentence in done:
                buffer = buffer.lstrip().removeprefix(sentence)
                yield _unlisted(sentence)
        for sentence in split_sentences(buffer):
            yield _unlisted(sentence)


def name_of(card: EngineCard, adapter: str | None) -> str:
    """How a model is named in an answer, with the brick of its adapter where one was used."""
    return f"{card.name} with {adapter}" if adapter else card.name


def _unlisted(text: str) -> str:
    """A line without the mark of a list."""
    return text.strip().removeprefix("- ").removeprefix("* ").strip()
