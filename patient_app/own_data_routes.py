"""Routes for what a person does with their own data: take it along, recover it, erase it."""

import asyncio
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from patient_app import own_data
from patient_app.service import Device
from patient_app.sessions import Sessions
from patient_app.unlocking import MAX_PASSPHRASE_CHARS

NO_STORE = {"cache-control": "no-store"}


class PassphraseBody(BaseModel):
    """The passphrase that opens the record now, and the one that is to open it."""

    model_config = ConfigDict(extra="forbid")

    now: str = Field(max_length=MAX_PASSPHRASE_CHARS)
    new: str = Field(max_length=MAX_PASSPHRASE_CHARS)


class EraseBody(BaseModel):
    """Erasing needs the word itself."""

    model_config = ConfigDict(extra="forbid")

    confirm: Literal["erase"]


def own_data_routes(
    router: APIRouter,
    device: Device,
    sessions: Sessions,
    Mine: Any,  # noqa: N803 - a type
) -> None:
    """Add them to the device's API."""

    @router.get("/export", response_class=Response)
    def export(member: Mine, format: own_data.Form = "fhir") -> Response:  # noqa: A002 - the name of the query parameter
        """Everything that is kept about the person, as a file; private keys stay."""
        given = own_data.export(device.audit, member, format)
        disposition = {"content-disposition": f'attachment; filename="{given.name}"'}
        return Response(given.text, media_type=given.media_type, headers=NO_STORE | disposition)

    @router.post("/recovery")
    def recovery(member: Mine, response: Response) -> dict[str, str]:
        """The recovery text: with the passphrase it opens this vault on another device."""
        response.headers.update(NO_STORE)
        return {"text": own_data.recovery_text(device.audit, member)}

    @router.post("/passphrase")
    async def passphrase(body: PassphraseBody, member: Mine, request: Request) -> dict[str, bool]:
        """Choose another passphrase; every other browser must open the record anew."""
        name = next((one.label for one in sessions.people() if one.id == member.id), "")
        tried = sessions.tried(request, member)
        change = partial(own_data.change_passphrase, name=name, tried=tried)
        await asyncio.to_thread(change, device.audit, member, body.now, body.new)
        sessions.end_others(request, member)
        return {"changed": True}

    @router.post("/erase")
    async def erase(body: EraseBody, member: Mine) -> dict[str, Any]:  # noqa: ARG001 - checked by its shape
        """Destroy the keys, then the files; there is no way back. The receipt names no person.

        What may be learned from at the tiers above is withdrawn first; ``unlearned`` says whether
        the clinic heard it.
        """
        unlearned = await device.unlearn(member)

        def forget() -> None:
            sessions.end_all(member)
            device.members.pop(member.id, None)

        receipt = await asyncio.to_thread(own_data.erase, device.audit, member, forget)
        return {"erased": True, "unlearned": unlearned, "receipt": receipt}
