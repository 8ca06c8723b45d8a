"""The one protocol of engines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol


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
    """What the model is told (``system``) and asked (``user``).

    ``adapter`` names an adapter that the engine holds, or None for the base model alone;
    ``schema`` is a JSON Schema that the answer keeps to. A structured answer can still end before
    its closing brace when the budget runs out: parse it defensively.
    """

    system: str
    user: str
    temperature: float = 0.0
    adapter: str | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Budget:
    """At most so many new tokens, in at most so many seconds."""

    tokens: int = 256
    seconds: float = 30.0


@dataclass(frozen=True)
class TokenScore:
    """A token of an answer with the natural logarithm of its probability."""

    text: str
    logprob: float


@dataclass(frozen=True)
class Completion:
    """A whole answer: its words, why it ended, what it used in tokens, and scores if asked for."""

    text: str
    finish: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    scores: tuple[TokenScore, ...] = ()


@dataclass(frozen=True)
class AdapterFile:
    """A low-rank adapter on this machine, in the format of the engine that is to hold it.

    ``path`` is a PEFT folder (vLLM) or a GGUF file (llama.cpp); ``digest`` the SHA-256 of its
    content and ``base`` that of the model it was trained on, both as ``sha256:<hex>``. An engine
    whose own model is another one refuses it.
    """

    name: str
    path: Path
    digest: str
    base: str
    rank: int


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

    async def complete(self, prompt: Prompt, budget: Budget, *, scores: bool = False) -> Completion:
        """Return the whole answer, with the log probability of each token when asked for.

        Raises:
            EngineError: as `generate`.
        """
        ...

    async def close(self) -> None:
        """Free the model or the connections; further calls raise EngineUnavailableError."""
        ...


class AdapterHost(Protocol):
    """An engine that holds adapters beside its base model and uses one or none per request."""

    def adapters(self) -> tuple[AdapterFile, ...]:
        """What is held now, by name."""
        ...

    async def hold(self, adapter: AdapterFile) -> None:
        """Load an adapter, or put another version in the place of the one of its name.

        Requests that run go on with what they began with; none fails.

        Raises:
            AdapterMismatchError: it was trained on another model.
            EngineError: it cannot be loaded; what was held before is held still.
        """
        ...

    async def let_go(self, name: str) -> None:
        """Unload an adapter once its last request has ended; an unknown name is no error."""
        ...
