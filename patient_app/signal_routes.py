"""Routes for what a person says of an answer."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from patient_app import signals
from patient_app.service import Device
from services.consult.messages import Words
from services.learning.signals.message import MAX_NOTE_CHARS


class SignalBody(BaseModel):
    """``wrong`` says why in ``note``."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["up", "down", "wrong"]
    note: Words = Field(default="", max_length=MAX_NOTE_CHARS)


def signal_routes(
    router: APIRouter,
    device: Device,
    Mine: Any,  # noqa: N803 - a type
) -> None:
    """Add ``/consults/{consult}/signal`` to the device's API."""

    @router.put("/consults/{consult}/signal")
    def give(consult: str, body: SignalBody, member: Mine) -> dict[str, Any]:
        """Say whether an answer helped; it leaves only under a consent for learning."""
        return signals.give(device.discloser, member, consult[:64], body.verdict, body.note)

    @router.delete("/consults/{consult}/signal")
    def take_back(consult: str, member: Mine) -> dict[str, bool]:
        """Unsay it, as long as it has not left."""
        signals.take_back(member, consult[:64])
        return {"deleted": True}
