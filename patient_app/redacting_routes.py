"""Routes for changing a preview before it leaves."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from patient_app import redacting
from patient_app.service import Device
from services.consult.messages import Offer, Words

Marked = Annotated[Words, Field(min_length=1, max_length=redacting.MAX_WORDS_CHARS)]


class ChangeBody(BaseModel):
    """Words to mask, and placeholders to put the words back for."""

    model_config = ConfigDict(extra="forbid")

    mask: tuple[Marked, ...] = Field(default=(), max_length=redacting.MAX_CHANGES)
    unmask: tuple[Marked, ...] = Field(default=(), max_length=redacting.MAX_CHANGES)


def redacting_routes(
    router: APIRouter,
    device: Device,
    Mine: Any,  # noqa: N803 - a type
) -> None:
    """Add ``/previews/{preview}`` to the device's API."""

    @router.get("/previews/{preview}")
    async def removable(preview: str, member: Mine) -> dict[str, list[str]]:
        """Placeholders whose mask may come off."""
        judge = device.discloser.deidentifier
        marks = await asyncio.to_thread(redacting.removable, judge, member, preview[:64])
        return {"removable": marks}

    @router.post("/previews/{preview}")
    async def change(preview: str, body: ChangeBody, member: Mine) -> Offer:
        """Another preview in the place of this one; nothing leaves."""
        judge = device.discloser.deidentifier
        return await asyncio.to_thread(
            redacting.change, judge, member, preview[:64], body.mask, body.unmask
        )
