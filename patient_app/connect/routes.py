"""Routes for connected records, below ``/api``."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from patient_app.connect.service import Connections
from services.web.address import public_base

BACK = "/record/back"
"""Where the browser comes back to; see `patient_app.pages`."""
Text = Annotated[str, Field(max_length=4096)]


class BackBody(BaseModel):
    """What the browser brought back: the query of the address, as OAuth names it."""

    model_config = ConfigDict(extra="forbid")

    state: Text
    code: Text | None = None
    error: Text | None = None
    iss: Text | None = None


class DisconnectBody(BaseModel):
    """Whether what was read stays."""

    model_config = ConfigDict(extra="forbid")

    keep: bool


def connection_routes(router: APIRouter, connections: Connections, Mine: Any) -> None:  # noqa: N803 - a type
    """Add them to the device's API."""

    @router.get("/connections")
    async def listing(member: Mine) -> dict[str, Any]:
        """The records that can be connected, and how each stands."""
        return {"connections": connections.listing(member)}

    @router.post("/connections/{place}")
    async def begin(place: str, request: Request, member: Mine) -> dict[str, str]:
        """Begin a connection; the person's browser goes to ``url``."""
        redirect = f"{public_base(request)}{BACK}"
        return {"url": await connections.begin(member, place, redirect)}

    @router.post("/connections/back/answer")
    async def back(body: BackBody, member: Mine) -> dict[str, str]:
        """Take what the browser brought back."""
        return {"place": await connections.finish(member, body.model_dump(exclude_none=True))}

    @router.post("/connections/{place}/read")
    async def read(place: str, member: Mine) -> dict[str, bool]:
        """Read the record again."""
        connections.read(member, place)
        return {"reading": True}

    @router.post("/connections/{place}/disconnect")
    async def disconnect(place: str, body: DisconnectBody, member: Mine) -> dict[str, bool]:
        """End the connection."""
        await connections.disconnect(member, place, keep=body.keep)
        return {"disconnected": True}
