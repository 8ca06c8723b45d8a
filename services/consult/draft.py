"""Draft: put the material into words.

The words are the sources' own sentences, unless the catalogue lets the engine write; then each
sentence it finishes is judged before anybody sees it, and what the judge refuses is replaced by the
source's own sentence. An engine that fails costs nothing but its draft.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from services.bricks.knowledge import split_sentences
from services.consult.ground import Quote
from services.consult.judge import Judge
from services.engines.errors import EngineError
from services.engines.protocol import Authoring, Budget, Engine, Prompt

SYSTEM = (
    "You help a patient to understand health information. Answer only with sentences from the"
    " material, in the order that answers the question best. Copy each sentence exactly. Do not add"
    " anything. If the material does not answer the question, reply: I do not know."
)


class Drafter:
    """Writes an answer from quotes, by engine where it may, else in the sources' own words."""

    def __init__(self, engine: Engine | None, judge: Judge, budget: Budget) -> None:
        self._engine, self._judge, self._budget = engine, judge, budget

    @property
    def writes(self) -> bool:
        """Whether an engine writes here."""
        return self._engine is not None and self._engine.card.authoring is not Authoring.NONE

    async def draft(
        self, question: str, quotes: Sequence[Quote]
    ) -> AsyncIterator[tuple[str, Quote]]:
        """Yield sentences with the quote that carries each; never one without."""
        said: set[Quote] = set()
        if self._engine is not None and self.writes:
            try:
                async for sentence in self._sentences(self._engine, question, quotes):
                    carried = self._judge.support(sentence, quotes, self._engine.card.authoring)
                    if carried is not None and carried not in said:
                        said.add(carried)
                        yield sentence, carried
            except EngineError:
                pass  # the sources' own words follow
        for quote in quotes:
            if quote not in said:
                yield quote.text, quote

    async def _sentences(
        self, engine: Engine, question: str, quotes: Sequence[Quote]
    ) -> AsyncIterator[str]:
        material = "\n".join(f"- {q.text}" for q in quotes)
        prompt = Prompt(SYSTEM, f"Material:\n{material}\n\nQuestion: {question}\nAnswer:")
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


def _unlisted(text: str) -> str:
    """A line without the mark of a list."""
    return text.strip().removeprefix("- ").removeprefix("* ").strip()
