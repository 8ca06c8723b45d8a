"""OpenAI-compatible chat at the hospital: the consult path behind a known shape.

``POST /v1/chat/completions`` with model ``caretier``; the last user message is the question,
earlier ones are its conversation. A key with scope ``chat`` is needed, or a session of the portal.
That a question is put is on the audit trail before anything is answered.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from compliance.errors import BadInputError, NotFoundError
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

MODEL = "caretier"


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


def _unheard(_caller: Any, _consult: str, _model: str) -> None:
    return None


def chat_router(
    node: Callable[[], Node],
    authorise: Callable[..., Any],
    audit: Callable[[Any, str, str], None] = _unheard,
) -> APIRouter:
    """Routes ``/v1/models`` and ``/v1/chat/completions``.

    Args:
        node: runs the consult path.
        authorise: FastAPI dependency that raises for who may not ask, and returns who asks.
        audit: called with who asks, the id of the consult and the model before anything is
            answered; when it raises, nothing is.
    """
    router = APIRouter(prefix="/v1", tags=["chat"])
    Asker = Annotated[Any, Depends(authorise)]  # noqa: N806 - a type

    @router.get("/models", dependencies=[Depends(authorise)])
    def models() -> dict[str, Any]:
        """The models that can be named in a request."""
        item = {"id": MODEL, "object": "model", "created": 0, "owned_by": "caretier"}
        return {"object": "list", "data": [item]}

    @router.post("/chat/completions", response_model=None)
    async def complete(request: ChatRequest, asker: Asker) -> Response:
        """Answer the last user message by the consult path."""
        question = _question(request)
        await run_in_threadpool(audit, asker, question.id, MODEL)
        if request.stream:
            return StreamingResponse(_stream(node(), question), media_type="text/event-stream")
        answer = await _answer(node(), question)
        return JSONResponse(_completion(question.id, answer))

    return router


def _question(request: ChatRequest) -> Question:
    if request.model != MODEL:
        raise NotFoundError("There is no model of this name.", remedy="Ask GET /v1/models.")
    spoken = [m for m in request.messages if m.role in {"user", "assistant"} and m.content.strip()]
    if not spoken or spoken[-1].role != "user":
        raise BadInputError("The last message must be the user's.")
    turns = tuple(
        Turn(role="patient" if m.role == "user" else "assistant", text=m.content)
        for m in spoken[:-1]
    )
    try:
        return Question(text=spoken[-1].content, history=turns)
    except ValidationError:
        raise BadInputError("The message is empty or too long.") from None


async def _answer(node: Node, question: Question) -> Answer:
    async for event in node.consult(question):
        if isinstance(event, Outcome):
            return event.answer
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


async def _stream(node: Node, question: Question) -> AsyncIterator[str]:
    def chunk(delta: dict[str, str], finish: str | None = None) -> str:
        body = {
            "id": f"chatcmpl-{question.id}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        return f"data: {json.dumps(body)}\n\n"

    yield chunk({"role": "assistant", "content": ""})
    said = ""
    async for event in node.consult(question):
        piece = _piece(event, said)
        said += piece
        if piece:
            yield chunk({"content": piece})
    yield chunk({}, "stop")
    yield "data: [DONE]\n\n"


def _piece(event: Event, said: str) -> str:
    """What an event adds to the words: urgent advice first, at the end what is lacking."""
    if isinstance(event, Triage):
        return f"{event.advice} " if event.advice else ""
    if isinstance(event, Sentence):
        return f"{event.text} "
    if isinstance(event, Outcome) and event.answer.text.startswith(said.strip()):
        return event.answer.text[len(said.strip()) :].strip()
    return ""
