"""The HTTP face that a node shows to the nodes below it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from compliance.audit import AuditError, AuditTrail, acts
from compliance.audit.acts import Actors
from compliance.errors import BadInputError
from compliance.sealing import KeyBundle, SealingError
from services.consult.messages import Level
from services.exchange.errors import (
    EnrolmentError,
    NotAuthenticatedError,
    ReferralRefusedError,
)
from services.exchange.intake import APPLICATION, Intake
from services.exchange.keys import NodeKeys
from services.exchange.limits import EnrolmentGate, check_daily
from services.exchange.messages import EnrolReply, EnrolRequest, Envelope, Parcel
from services.exchange.registry import Registry
from services.exchange.tokens import CallVerifier
from services.exchange.withdrawal import Withdrawal, WithdrawalTaken
from services.exchange.witness import HEADER, Witness

ReferralId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


def exchange_router(
    keys: NodeKeys,
    registry: Registry,
    intake: Intake,
    above: Callable[[], tuple[KeyBundle, ...]] = tuple,
    witness: Witness | None = None,
) -> APIRouter:
    """Routes ``/v1/enrol``, ``/v1/keys``, ``/v1/referrals``, ``…/{id}`` and ``/v1/withdrawals``.

    Args:
        keys: of this node.
        registry: its enrolled children.
        intake: where referrals go.
        above: keys of the tiers above, handed to a node that enrols.
        witness: of the children's audit trails; made of keys and trail when None.
    """
    router = APIRouter(prefix="/v1", tags=["exchange"])
    if witness is None and isinstance(intake.audit, AuditTrail):
        witness = Witness(keys.identity, intake.audit)
    caller = NodeCaller(CallVerifier(keys.fingerprint, registry.lookup, registry), witness)
    gate = EnrolmentGate()

    @router.post("/enrol")
    def enrol(request: EnrolRequest, http: Request) -> EnrolReply:
        """Use a one-time code; the same node may repeat it. Wrong ones: ten a minute a client."""
        client = http.client.host if http.client else ""
        gate.count(client)
        node = _enrol(
            registry, intake, Actors(APPLICATION, keys.name, client=client or "-"), request
        )
        gate.forgive(client)
        return _published(node, keys, above())

    @router.get("/keys")
    def current_keys(node: Annotated[str, Depends(caller)]) -> EnrolReply:
        """The keys to seal to now, for a node that is enrolled."""
        return _published(node, keys, above())

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

    @router.post("/withdrawals")
    def withdraw(
        withdrawal: Withdrawal, sender: Annotated[str, Depends(caller)]
    ) -> WithdrawalTaken:
        """Take a withdrawn consent: what is queued under it is deleted here and above."""
        if registry.level_of(sender) == Level.DEVICE and withdrawal.verify() != sender:
            raise ReferralRefusedError("The withdrawal was signed by another device.")
        return intake.withdraw(withdrawal, sender)

    return router


def _enrol(registry: Registry, intake: Intake, by: Actors, request: EnrolRequest) -> str:
    """Enrol a node and write that down, refusals too; what cannot be written down is undone."""
    try:
        bundle = KeyBundle.model_validate(request.bundle)
        claimed = bundle.identity_public().fingerprint
    except (ValidationError, SealingError):
        raise EnrolmentError("The keys that were sent are not valid.") from None
    try:
        node = registry.enrol(request.code, bundle)
    except EnrolmentError:
        intake.audit.record(acts.enrol(by, claimed, level=bundle.level, outcome="8"))
        raise
    try:
        intake.audit.record(acts.enrol(by, node, level=bundle.level))
    except AuditError:
        registry.revoke(node)
        raise
    return node


def _published(node: str, keys: NodeKeys, above: tuple[KeyBundle, ...]) -> EnrolReply:
    return EnrolReply(
        node=node,
        parent=keys.bundle().model_dump(mode="json"),
        above=tuple(bundle.model_dump(mode="json") for bundle in above),
    )


async def opened(verifier: CallVerifier, request: Request) -> dict[str, Any]:
    """The claims of a call, before its body is read: a stranger's is never held.

    Raises:
        NotAuthenticatedError: the call carries no valid token of an enrolled node.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticatedError("The call carries no token.")
    return await run_in_threadpool(
        verifier.open, token, method=request.method, path=request.url.path
    )


class NodeCaller:
    """Dependency: who calls, once the token is verified; heads of audit trails go both ways."""

    def __init__(self, verifier: CallVerifier, witness: Witness | None = None) -> None:
        self._verifier, self._witness = verifier, witness

    async def __call__(self, request: Request, reply: Response) -> str:
        """Return the caller's fingerprint.

        Raises:
            NotAuthenticatedError: the call carries no valid token of an enrolled node.
        """
        claims = await opened(self._verifier, request)
        node = await run_in_threadpool(self._verifier.confirm, claims, await request.body())
        if self._witness is not None:
            await run_in_threadpool(self._witness.note, request.headers.get(HEADER), node)
            reply.headers.update(await run_in_threadpool(self._witness.headers))
        return node


def _take(registry: Registry, intake: Intake, envelope: Envelope, sender: str) -> Parcel:
    """Hand a referral in; a device's must be signed by itself, and not one too many."""
    if registry.level_of(sender) == Level.DEVICE:
        if envelope.receipt.device != sender:
            raise ReferralRefusedError("The receipt was signed by another device.")
        if not intake.holds(envelope.id):  # to send the same one again costs nothing
            check_daily(intake.database, sender)
    return intake.accept(envelope, sender)
