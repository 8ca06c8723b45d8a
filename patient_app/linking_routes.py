"""Routes that link a person's record to their clinic: only then can a question be sent there."""

import re
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from patient_app.errors import NotLinkedError
from patient_app.member import Member
from patient_app.service import Device
from services.consult.messages import Level, Words
from services.exchange.errors import EnrolmentError

MAX_CODE_CHARS = 200
_CODE = re.compile(r"[A-Z0-9]{8,64}(\.[A-Z0-9]{8,64}){1,2}")
_CHECK = (
    "Check it letter by letter. A code works once and for 24 hours; ask your clinic for a new one."
)


class CodeBody(BaseModel):
    """A one-time code that the clinic gave; spaces and small letters do no harm."""

    model_config = ConfigDict(extra="forbid")

    code: Words = Field(min_length=1, max_length=MAX_CODE_CHARS)


def linking_routes(router: APIRouter, device: Device, Mine: Any) -> None:  # noqa: N803 - a type
    """Add them to the device's API."""

    @router.get("/clinic")
    def clinic(member: Mine) -> dict[str, Any]:
        """Which clinic this record is linked to, and whether a hospital stands behind it."""
        return _linked(member)

    @router.post("/clinic")
    async def link(body: CodeBody, member: Mine) -> dict[str, Any]:
        """Link this record to the clinic that gave the code; nothing of the record leaves by it."""
        code = "".join(body.code.split()).upper()
        if not _CODE.fullmatch(code):
            raise _refused()
        try:
            await device.enrol(member, code)
        except EnrolmentError as error:
            raise _refused() from error
        return _linked(member)


def _refused() -> EnrolmentError:
    return EnrolmentError("The clinic did not take this code.", remedy=_CHECK)


def _linked(member: Member) -> dict[str, Any]:
    try:
        _url, bundles = member.link()
    except NotLinkedError:
        return {"clinic": None, "hospital": None}
    hospital = bundles.get(Level.HOSPITAL)
    return {"clinic": bundles[Level.CLINIC].node, "hospital": hospital.node if hospital else None}
