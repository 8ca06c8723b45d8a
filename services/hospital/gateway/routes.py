"""Routes ``/v1/models`` and ``/v1/chat/completions``."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.hospital.gateway.asker import MODEL, ModelUser
from services.hospital.gateway.service import Gateway
from services.hospital.gateway.wire import OpenAiRoute

_BODY = {
    "requestBody": {
        "required": True,
        "description": "As of OpenAI; `caretier` reads the conversation and `stream` alone.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["messages"],
                    "properties": {
                        "model": {"type": "string", "default": MODEL},
                        "stream": {"type": "boolean", "default": False},
                        "messages": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                "type": "object",
                                "required": ["role", "content"],
                                "properties": {
                                    "role": {"enum": ["system", "user", "assistant", "tool"]},
                                    "content": {"type": "string"},
                                },
                            },
                        },
                    },
                }
            }
        },
    }
}


def gateway_router(gateway: Gateway, authorise: Callable[..., Any]) -> APIRouter:
    """The chat API.

    Args:
        gateway: answers.
        authorise: FastAPI dependency that raises for who may not ask, and returns who asks.
    """
    router = APIRouter(prefix="/v1", tags=["chat"], route_class=OpenAiRoute)
    User = Annotated[ModelUser, Depends(authorise)]  # noqa: N806 - a type

    @router.get("/models")
    def models(user: User) -> dict[str, Any]:
        """The models that the caller may name in a request."""
        return {"object": "list", "data": gateway.models(user)}

    @router.get("/models/{model}")
    def model(model: str, user: User) -> dict[str, Any]:
        """One of them."""
        return gateway.model(model, user)

    @router.post("/chat/completions", response_model=None, openapi_extra=_BODY)
    async def complete(request: Request, user: User) -> Response:
        """Answer the last user message: by the consult path, or by an expert's raw words."""
        return await gateway.complete(await request.body(), user)

    return router
