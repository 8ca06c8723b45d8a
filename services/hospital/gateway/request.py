"""A chat request for an expert: what may stand in it, and nothing else reaches the engine.

The engine is sent what this module has read, written anew, never the caller's own bytes: so both
understand it alike, and the only model named to the engine is the one that the registry named.
Parts other than text are refused, since an engine would fetch their addresses. Fields that name
the caller's own users are taken and dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    ValidationError,
)

from services.consult.messages import Words
from services.hospital.gateway.errors import ChatRequestError

MOST_CHOICES = 8
MOST_MESSAGES = 512
BYTES_A_TOKEN = 3
"""Fewer than most tokenizers need for English: what is reserved is rather too much."""
TOKENS_A_MESSAGE = 8

_FIELD = re.compile(r"[a-z_]{1,40}")
Dropped = Annotated[JsonValue, Field(exclude=True)]
"""Taken for the sake of clients that send it, and not passed on."""


class TextPart(BaseModel):
    """A part of a message; text is the only kind."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text"]
    text: Words


class ExpertMessage(BaseModel):
    """One message; what clients add of their own to an assistant's message is left out."""

    model_config = ConfigDict(extra="ignore")

    role: Annotated[
        Literal["system", "user", "assistant", "tool"],
        BeforeValidator(lambda role: "system" if role == "developer" else role),
    ]
    content: Words | list[TextPart] | None = None
    name: str | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The words of the message."""
        if isinstance(self.content, list):
            return " ".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream brings besides words."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ExpertChat(BaseModel):
    """A request of OpenAI's chat completions, and the sampling fields of vLLM."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(max_length=100)
    messages: list[ExpertMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    n: int | None = Field(default=None, ge=1, le=MOST_CHOICES)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1)
    min_p: float | None = Field(default=None, ge=0, le=1)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, gt=0, le=2)
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: dict[str, JsonValue] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    tools: list[dict[str, JsonValue]] | None = None
    tool_choice: str | dict[str, JsonValue] | None = None
    parallel_tool_calls: bool | None = None
    user: Dropped = None
    metadata: Dropped = None
    store: Dropped = None
    service_tier: Dropped = None
    safety_identifier: Dropped = None
    prompt_cache_key: Dropped = None
    _salt: str | None = PrivateAttr(default=None)

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Read the body of a request.

        Raises:
            ChatRequestError: naming the field; what stood in it is not repeated.
        """
        try:
            return cls.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = _place(first["loc"])
            if first["type"] == "extra_forbidden":
                raise ChatRequestError(f"The field {place} is not known.", place) from None
            what = place or "The body"
            raise ChatRequestError(f"{what} breaks the rule {first['type']}.", place) from None

    @property
    def said(self) -> str:
        """The last words of the user; empty where there are none."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with what was used."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def is_plain(self) -> bool:
        """Whether it asks for one answer in words, so that answers can be joined."""
        shaped = (self.tools, self.logprobs, self.response_format)
        return (self.n or 1) == 1 and not any(shaped)

    def asking(self, text: str) -> Self:
        """The same conversation, with other last words of the user."""
        messages = list(self.messages)
        last = max(i for i, m in enumerate(messages) if m.role == "user")
        messages[last] = messages[last].model_copy(update={"content": text})
        return self.model_copy(update={"messages": messages})

    def limited(self, ceiling: int, salt: str | None = None) -> Self:
        """The same with a limit on new tokens, and with usage at the end of a stream.

        Args:
            ceiling: most tokens of an answer; also where the request says none.
            salt: keeps what the engine remembers of this conversation from those with another.

        Raises:
            ChatRequestError: more tokens are asked for than an answer may have.
        """
        asked = self.max_completion_tokens or self.max_tokens
        if asked is not None and asked > ceiling:
            raise ChatRequestError(f"An answer has at most {ceiling} tokens here.", "max_tokens")
        options = StreamOptions(include_usage=True) if self.stream else None
        changes: dict[str, Any] = {
            "max_tokens": asked or ceiling,
            "max_completion_tokens": None,
            "stream_options": options,
        }
        made = self.model_copy(update=changes)
        made._salt = salt  # noqa: SLF001 - our own class
        return made

    def prompt_size(self) -> int:
        """Tokens of the prompt, roughly."""
        return sum(len(m.text.encode()) // BYTES_A_TOKEN + TOKENS_A_MESSAGE for m in self.messages)

    def reserve(self) -> int:
        """Tokens to reserve for a limited request: the prompt, roughly, and all answers in full."""
        return self.prompt_size() + (self.max_tokens or 0) * (self.n or 1)

    def for_engine(self, model: str, *, salted: bool = False) -> bytes:
        """The body that the engine is sent.

        Args:
            model: its own name of the model.
            salted: whether it is one that takes vLLM's ``cache_salt``.
        """
        body = self.model_copy(update={"model": model}).model_dump(mode="json", exclude_none=True)
        more = {"cache_salt": self._salt} if salted and self._salt else {}
        return json.dumps(body | more).encode()


def _place(loc: Sequence[int | str]) -> str | None:
    """Where a fault is, in names as fields have them; other text of the caller is left out."""
    named = [part for part in loc if isinstance(part, int) or _FIELD.fullmatch(part)]
    return ".".join(map(str, named)) or None
