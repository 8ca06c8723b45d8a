"""The one protocol of engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Authoring(StrEnum):
    """What the words of a model may be used for, as the catalogue states it.

    ``NONE``: the model's own words never reach a person. ``PHRASE``: a sentence is kept only where
    it is one of the cited source's own sentences. ``AUTHOR``: a sentence is kept where the material
    supports it.
    """

    NONE = "none"
    PHRASE = "phrase"
    AUTHOR = "author"


@dataclass(frozen=True)
class EngineCard:
    """Identity of a loaded model.

    ``digest`` is the SHA-256 of its weights where they are local, else the server's own name for
    it; ``context`` is in tokens.
    """

    name: str
    digest: str
    context: int
    authoring: Authoring


@dataclass(frozen=True)
class Prompt:
    """What the model is told (``system``) and asked (``user``)."""

    system: str
    user: str
    temperature: float = 0.0


@dataclass(frozen=True)
class Budget:
    """At most so many new tokens, in at most so many seconds."""

    tokens: int = 256
    seconds: float = 30.0


class Engine(Protocol):
    """Turns a prompt into a stream of text pieces.

    Closing the stream (``aclose``, or leaving the ``async for``) cancels the generation.
    """

    @property
    def card(self) -> EngineCard:
        """Identity of the loaded model."""
        ...

    def generate(self, prompt: Prompt, budget: Budget) -> AsyncIterator[str]:
        """Yield pieces of text.

        Raises:
            EngineError: or one of its kinds; never an error of the library underneath.
        """
        ...

    async def close(self) -> None:
        """Free the model or the connections; further calls raise EngineUnavailableError."""
        ...
