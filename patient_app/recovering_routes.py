"""Routes of the recovery code: making one, taking it away."""

import asyncio
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from patient_app import recovering
from patient_app.service import Device
from patient_app.sessions import Sessions
from patient_app.unlocking import MAX_PASSPHRASE_CHARS

NO_STORE = {"cache-control": "no-store"}


class KeepBody(BaseModel):
    """A group of the code that is on paper, and the passphrase."""

    model_config = ConfigDict(extra="forbid")

    typed: str = Field(max_length=64)
    now: str = Field("", max_length=MAX_PASSPHRASE_CHARS)


class RemoveBody(BaseModel):
    """The passphrase."""

    model_config = ConfigDict(extra="forbid")

    now: str = Field(max_length=MAX_PASSPHRASE_CHARS)


def recovering_routes(
    router: APIRouter,
    device: Device,
    sessions: Sessions,
    Mine: Any,  # noqa: N803 - a type
) -> None:
    """Add them to the device's API."""

    @router.post("/recovery/code")
    def offer(member: Mine, response: Response) -> dict[str, Any]:
        """A code to write down; it opens nothing before `keep`."""
        response.headers.update(NO_STORE)
        offered = recovering.offer(member)
        return {"groups": offered.code.groups, "group": offered.group}

    @router.put("/recovery/code")
    async def keep(body: KeepBody, member: Mine, request: Request) -> dict[str, bool]:
        """Let the code that was shown open the record; one group of it is typed back.

        It takes the passphrase, but in the session in which the record was made.
        """
        first, tried = sessions.is_first(request), sessions.tried(request, member)
        change = partial(recovering.keep, first=first, tried=tried)
        await asyncio.to_thread(change, device.audit, member, body.typed, body.now)
        return {"kept": True}

    @router.post("/recovery/code/remove")
    async def remove(body: RemoveBody, member: Mine, request: Request) -> dict[str, bool]:
        """Let no code open the record any more; it takes the passphrase."""
        tried = sessions.tried(request, member)
        await asyncio.to_thread(recovering.remove, device.audit, member, body.now, tried)
        return {"removed": True}
