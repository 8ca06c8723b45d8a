"""Link: calls from a node to the tier above it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from compliance.errors import CaretierError, NotFoundError
from compliance.sealing import IdentityKey, KeyBundle, SealingError
from services.exchange.errors import (
    EnrolmentError,
    LinkDownError,
    NotAuthenticatedError,
    ReferralConflictError,
    ReferralRefusedError,
)
from services.exchange.messages import EnrolReply, EnrolRequest, Envelope, Parcel
from services.exchange.tokens import sign_call
from services.exchange.withdrawal import Withdrawal, WithdrawalTaken
from services.exchange.witness import HEADER, Witness

T = TypeVar("T", bound=BaseModel)
TIMEOUT_SECONDS = 10.0

_ERRORS: dict[str, type[CaretierError]] = {
    kind.kind: kind
    for kind in (
        NotAuthenticatedError,
        ReferralConflictError,
        ReferralRefusedError,
        EnrolmentError,
        NotFoundError,
    )
}


class Link:
    """A node's line to its parent.

    Args:
        url: base address of the parent.
        identity: key of the calling node.
        peer: fingerprint of the parent.
        witness: tells the parent of this node's audit trail, and notes the parent's.
        transport: for tests.
    """

    def __init__(
        self,
        url: str,
        identity: IdentityKey,
        peer: str,
        *,
        witness: Witness | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._identity, self._peer, self._witness = identity, peer, witness
        self._client = httpx.AsyncClient(
            base_url=url, timeout=TIMEOUT_SECONDS, transport=transport, trust_env=False
        )

    async def send(self, envelope: Envelope) -> Parcel:
        """Hand a referral over; sending it again changes nothing.

        Raises:
            LinkDownError: the parent cannot be reached, or cannot take it now.
            ReferralRefusedError, ReferralConflictError, NotAuthenticatedError: it said no.
        """
        return await self._call("POST", "/v1/referrals", Parcel, envelope)

    async def fetch(self, id_: str) -> Parcel:
        """State and reply of a referral; errors as `send`, and NotFoundError."""
        return await self._call("GET", f"/v1/referrals/{id_}", Parcel)

    async def keys(self) -> EnrolReply:
        """Fetch the keys to seal to now; `services.exchange.rotation.successors` checks them."""
        return await self._call("GET", "/v1/keys", EnrolReply)

    async def withdraw(self, withdrawal: Withdrawal) -> WithdrawalTaken:
        """Tell of a withdrawn consent; telling it again changes nothing. Errors as `send`."""
        return await self._call("POST", "/v1/withdrawals", WithdrawalTaken, withdrawal)

    async def _call(
        self, method: str, path: str, kind: type[T], body: BaseModel | None = None
    ) -> T:
        content = body.model_dump_json().encode() if body else b""
        token = sign_call(
            self._identity, audience=self._peer, method=method, path=path, body=content
        )
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        if self._witness is None:
            return _parsed(await _request(self._client, method, path, content, headers), kind)
        headers |= await asyncio.to_thread(self._witness.headers)
        reply = await _request(self._client, method, path, content, headers)
        await asyncio.to_thread(self._witness.note_quietly, reply.headers.get(HEADER), self._peer)
        return _parsed(reply, kind)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def enrol(
    url: str, code: str, bundle: KeyBundle, *, transport: httpx.AsyncBaseTransport | None = None
) -> tuple[KeyBundle, tuple[KeyBundle, ...]]:
    """Enrol at a parent; returns its keys and those of the tiers above it.

    The code's pins (``SECRET.PIN[.PIN]``) must be the fingerprints of exactly those keys, so that a
    false parent, or a parent that hands out false keys of the hospital, is found out.

    Raises:
        EnrolmentError: the code was refused, or the keys are not those that the code pins.
        LinkDownError: the parent cannot be reached.
    """
    _secret, *pins = code.split(".")
    request = EnrolRequest(code=code, bundle=bundle.model_dump(mode="json"))
    async with httpx.AsyncClient(
        base_url=url, timeout=TIMEOUT_SECONDS, transport=transport, trust_env=False
    ) as client:
        headers = {"content-type": "application/json"}
        content = request.model_dump_json().encode()
        reply = _parsed(await _request(client, "POST", "/v1/enrol", content, headers), EnrolReply)
    try:
        bundles = [KeyBundle.model_validate(b) for b in (reply.parent, *reply.above)]
        if len(bundles) != len(pins):
            raise EnrolmentError("The parent sent other keys than the code pins.")
        for found, pin in zip(bundles, pins, strict=True):
            found.verify(datetime.now(UTC), pin)
    except (ValidationError, SealingError) as error:
        raise EnrolmentError("The parent's keys are not those that the code pins.") from error
    return bundles[0], tuple(bundles[1:])


async def _request(
    client: httpx.AsyncClient, method: str, path: str, content: bytes, headers: dict[str, str]
) -> httpx.Response:
    try:
        reply = await client.request(method, path, content=content, headers=headers)
    except httpx.HTTPError as error:
        raise LinkDownError("The tier above cannot be reached.") from error
    if not reply.is_success:
        raise _error(reply)
    return reply


def _parsed(reply: httpx.Response, kind: type[T]) -> T:
    try:
        return kind.model_validate_json(reply.content)
    except ValidationError as error:
        raise LinkDownError("The tier above answered something else.") from error


def _error(reply: httpx.Response) -> CaretierError:
    """The typed error of a problem document; what can pass by itself counts as a dead link."""
    try:
        problem = reply.json()
        slug = str(problem["type"]).rsplit(":", 1)[-1]
        detail = str(problem.get("detail", ""))[:300]
    except (ValueError, KeyError, TypeError):
        slug, detail = "", ""
    kind = _ERRORS.get(slug)
    if kind is not None:
        return kind(detail or "The tier above said no.")
    if reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        return ReferralRefusedError("The tier above could not read the referral.")
    return LinkDownError(f"The tier above answered {reply.status_code}.")
