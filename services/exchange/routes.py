"""The HTTP face that a node shows to the nodes below it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from compliance.errors import BadInputError
from compliance.sealing import KeyBundle, SealingError
from services.consult.messages import Level
from services.exchange.errors import (
    EnrolmentError,
    NotAuthenticatedError,
    ReferralRefusedError,
)
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.limits import EnrolmentGate, check_daily
from services.exchange.messages import EnrolReply, EnrolRequest, Envelope, Parcel
from services.exchange.registry import Registry
from services.exchange.tokens import CallVerifier

ReferralId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


def exchange_router(
    keys: NodeKeys,
    registry: Registry,
    intake: Intake,
    above: Callable[[], tuple[KeyBundle, ...]] = tuple,
) -> APIRouter:
    """Routes ``POST /v1/enrol``, ``POST /v1/referrals``, ``GET /v1/referrals/{id}``.

    Args:
        keys: of this node.
        registry: its enrolled children.
        intake: where referrals go.
        above: keys of the tiers above, handed to a node that enrols.
    """
    router = APIRouter(prefix="/v1", tags=["exchange"])
    verifier = CallVerifier(keys.fingerprint, registry.lookup, registry)

    async def caller(request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticatedError("The call carries no token.")
        claims = await run_in_threadpool(
            verifier.open, token, method=request.method, path=request.url.path
        )  # before the body is read: a stranger's is never held
        return await run_in_threadpool(verifier.confirm, claims, await request.body())

    gate = EnrolmentGate()

    @router.post("/enrol")
    def enrol(request: EnrolRequest, http: Request) -> EnrolReply:
        """Use a one-time code; the same node may repeat it. Wrong ones: ten a minute a client."""
        client = http.client.host if http.client else ""
        gate.count(client)
        try:
            bundle = KeyBundle.model_validate(request.bundle)
        except (ValidationError, SealingError):
            raise EnrolmentError("The keys that were sent are not valid.") from None
        node = registry.enrol(request.code, bundle)
        gate.forgive(client)
        return EnrolReply(
            node=node,
            parent=keys.bundle().model_dump(mode="json"),
            above=tuple(b.model_dump(mode="json") for b in above()),
        )

    @router.post("/referrals", status_code=202)
    async def refer(request: Request, sender: Annotated[str, Depends(caller)]) -> Parcel:
        """Take a referral; idempotent by its id."""
        try:
            envelope = Envelope.model_validate_json(await request.body())
        except ValidationError:
            raise BadInputError("This is not a referral.") from None
        return await run_in_threadpool(_take, registry, intake, envelope, sender)

    @router.get("/referrals/{referral}")
    def state(referral: ReferralId, sender: Annotated[str, Depends(caller)]) -> Parcel:
        """State of a referral and, once answered, its sealed reply."""
        return intake.state(referral, sender)

    return router


def _take(registry: Registry, intake: Intake, envelope: Envelope, sender: str) -> Parcel:
    """Hand a referral in; a device's must be signed by itself, and not one too many."""
    if registry.level_of(sender) == Level.DEVICE:
        if envelope.receipt.device != sender:
            raise ReferralRefusedError("The receipt was signed by another device.")
        if not intake.holds(envelope.id):  # to send the same one again costs nothing
            check_daily(intake.database, sender)
    return intake.accept(envelope, sender)
