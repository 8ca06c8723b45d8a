"""What the gateway asks of an engine: a whole completion or its stream, in OpenAI's own bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any, Protocol

from services.hospital.gateway.request import ExpertChat

DONE = b"data: [DONE]\n\n"


class Backend(Protocol):
    """An engine that answers chat requests."""

    async def whole(self, chat: ExpertChat, adapter: str | None) -> bytes:
        """The JSON of a chat completion; ``adapter`` None asks the base model.

        Raises:
            EngineError, ChatRequestError: and nothing of the engine's own.
        """
        ...

    def stream(self, chat: ExpertChat, adapter: str | None) -> AsyncGenerator[bytes]:
        """The events of a completion, whole ones, each ending in an empty line.

        The last but one says what was used, the last is ``[DONE]``. Closing it cancels.

        Raises:
            EngineError, ChatRequestError: before the first event or after any.
        """
        ...

    async def close(self) -> None:
        """Close its connections; the engine itself is not its own."""
        ...


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def usage_of(document: bytes) -> int | None:
    """Tokens that a completion or its last event says were used; None where it says nothing."""
    try:
        used = json.loads(document)["usage"]["total_tokens"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return used if isinstance(used, int) and used >= 0 else None
