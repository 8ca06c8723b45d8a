"""One request on its way: its parts, who asks, and what it has used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from services.experts import Experts
from services.hospital.gateway.asker import AUTO, BASE, ModelUser
from services.hospital.gateway.limits import Allowance
from services.hospital.gateway.request import ExpertChat


@dataclass(frozen=True)
class Part:
    """What one expert is asked; None stands for the base model."""

    expert: str | None
    chat: ExpertChat

    @property
    def name(self) -> str:
        """The model that answers, for audit and readers."""
        return self.expert or BASE


@dataclass
class Call:
    """A request.

    Attributes:
        parts: what is asked of whom, in the order of the question; mostly one.
        user: who asks.
        allowance: what the caller may send a minute.
        wants_usage: whether a stream is to end with what was used.
        id: of the call, on the audit trail and in ``x-request-id``.
        used: tokens, as far as they are known.
    """

    parts: tuple[Part, ...]
    user: ModelUser
    allowance: Allowance
    wants_usage: bool
    id: str = field(default_factory=lambda: str(uuid4()))
    used: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The models that answer, each once."""
        return tuple(dict.fromkeys(part.name for part in self.parts))

    @property
    def label(self) -> str:
        """Under which name the call is counted."""
        return self.names[0] if len(self.names) == 1 else AUTO

    @property
    def streams(self) -> bool:
        """Whether the answer is a stream."""
        return self.parts[0].chat.stream

    def prompt_size(self) -> int:
        """Tokens of the prompts, roughly."""
        return sum(part.chat.prompt_size() for part in self.parts)

    def reserve(self) -> int:
        """Tokens that are reserved before a model is asked."""
        return sum(part.chat.reserve() for part in self.parts)

    @contextmanager
    def using(self, experts: Experts) -> Iterator[None]:
        """Keep the experts with the engine while the block runs.

        Raises:
            ExpertUnknownError: one is no longer pushed.
        """
        with ExitStack() as stack:
            for part in self.parts:
                if part.expert is not None:
                    stack.enter_context(experts.using(part.expert))
            yield
