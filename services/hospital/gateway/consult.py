"""The model ``caretier``: the consult path behind a known shape.

The last user message is the question, earlier ones are its conversation. What is answered are the
sources' own sentences; sampling fields have no effect.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from compliance.errors import BadInputError
from services.consult.messages import (
    MAX_QUESTION_CHARS,
    Answer,
    Question,
    Sentence,
    Triage,
    Turn,
    Words,
)
from services.consult.node import Event, Node, Outcome
from services.hospital.gateway.asker import MODEL
from services.hospital.gateway.backend import DONE, event


class ChatMessage(BaseModel):
    """One message; further fields of the protocol are ignored."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: Words = Field(max_length=MAX_QUESTION_CHARS)


class ChatRequest(BaseModel):
    """A chat completion request; sampling fields have no effect and are ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str = MODEL
    messages: list[ChatMessage] = Field(min_length=1, max_length=64)
    stream: bool = False


def question_of(raw: bytes) -> tuple[Question, bool]:
    """The question of a request's body, and whether its answer is to be streamed.

    Raises:
        BadInputError: naming the field that is not as it has to be, never what stands in it.
    """
    try:
        request = ChatRequest.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "The body"
        raise BadInputError(f"{place} breaks the rule {first['type']}.") from None
    spoken = [m for m in request.messages if m.role in {"user", "assistant"} and m.content.strip()]
    if not spoken or spoken[-1].role != "user":
        raise BadInputError("The last message must be the user's.")
    turns = tuple(
        Turn(role="patient" if m.role == "user" else "assistant", text=m.content)
        for m in spoken[:-1]
    )
    try:
        return Question(text=spoken[-1].content, history=turns), request.stream
    except ValidationError:
        raise BadInputError("The message is empty or too long.") from None


async def answered(
    node: Node, question: Question, headers: dict[str, str], *, stream: bool
) -> Response:
    """Answer a question by the consult path."""
    if stream:
        return StreamingResponse(
            _stream(node, question), headers=headers, media_type="text/event-stream"
        )
    answer = await _answer(node, question)
    return JSONResponse(_completion(question.id, answer), headers=headers)


async def _answer(node: Node, question: Question) -> Answer:
    async for found in node.consult(question):
        if isinstance(found, Outcome):
            return found.answer
    raise BadInputError("The question came to no answer.")


def _completion(id_: str, answer: Answer) -> dict[str, Any]:
    words = len(answer.text.split())
    return {
        "id": f"chatcmpl-{id_}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": words, "total_tokens": words},
        "caretier": answer.model_dump(mode="json"),
    }


async def _stream(node: Node, question: Question) -> AsyncIterator[bytes]:
    def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
        return event(
            {
                "id": f"chatcmpl-{question.id}",
                "object": "chat.completion.chunk",
                "created": int(time.time()),
                "model": MODEL,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            }
        )

    yield chunk({"role": "assistant", "content": ""})
    said = ""
    async for found in node.consult(question):
        piece = _piece(found, said)
        said += piece
        if piece:
            yield chunk({"content": piece})
    yield chunk({}, "stop")
    yield DONE


def _piece(found: Event, said: str) -> str:
    """What an event adds to the words: urgent advice first, at the end what is lacking."""
    if isinstance(found, Triage):
        return f"{found.advice} " if found.advice else ""
    if isinstance(found, Sentence):
        return f"{found.text} "
    if isinstance(found, Outcome) and found.answer.text.startswith(said.strip()):
        return found.answer.text[len(said.strip()) :].strip()
    return ""
