"""Delivery: the vault's outbox to the clinic, and the answers back.

Withdrawn consents go first: the clinic is told of each, until it says that it has it. A row of the
outbox is ``outgoing`` until the clinic has taken it, then ``sent`` until the answer is
in the vault; only then is it deleted. Whenever the process dies, the next one goes on from there:
the clinic takes the same id once, and an answer is written once.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from compliance.audit import Agent, AuditError, AuditTrail, crossing
from compliance.deidentify import PlaceholderError, PlaceholderMap
from compliance.errors import CaretierError, NotFoundError
from compliance.sealing import SealingKey
from compliance.sealing.encoding import from_text
from patient_app import signals
from patient_app.member import Member
from patient_app.withdrawing import WITHDRAWALS, take_back
from services.consult.messages import Answer, Level, Sentence, Status
from services.exchange.errors import LinkDownError, NotAuthenticatedError, ReferralRefusedError
from services.exchange.link import Link
from services.exchange.messages import Envelope, Parcel, ParcelState
from services.exchange.rotation import successors
from services.exchange.sealed import open_reply
from services.exchange.withdrawal import Withdrawal
from services.exchange.witness import Witness

POLL = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=1)
REFRESH = timedelta(days=1)
"""Age of the keys held from which those of now are fetched."""
DAMAGED = {
    "en": "An answer came back, but it names people or dates in a way that does not fit what was"
    " sent. It is not shown, because it could be about somebody else. Please ask again.",
    "es": "Llegó una respuesta, pero nombra personas o fechas que no corresponden a lo enviado. No"
    " se muestra, porque podría ser de otra persona. Pregunte de nuevo.",
}
REFUSED = {
    "en": "The clinic could not take this question. Please ask again or call the clinic.",
    "es": "La clínica no pudo recibir esta pregunta. Pregunte de nuevo o llame a la clínica.",
}
_LOG = logging.getLogger("caretier.delivery")


class Delivery:
    """Carries one member's referrals.

    Args:
        member: whose they are.
        audit: the device's trail.
        link: for tests.
        witness: tells the clinic of the device's trail, and notes the clinic's.
        url: of the clinic now, where it has moved since the member enrolled; its key is pinned.
    """

    def __init__(
        self,
        member: Member,
        audit: AuditTrail,
        link: Link | None = None,
        *,
        witness: Witness | None = None,
        url: str | None = None,
    ) -> None:
        enrolled_at, self._bundles = member.link()
        peer = self._bundles[Level.CLINIC].identity_public().fingerprint
        self._member, self._audit = member, audit
        self._link = link or Link(url or enrolled_at, member.identity, peer, witness=witness)

    async def once(self) -> bool:
        """Carry what is due; returns whether there was anything."""
        now = datetime.now(UTC).isoformat()
        await self._refresh()
        told = await self._tell_withdrawals(now)
        rows = await asyncio.to_thread(self._member.vault.items, "outbox")
        due = [(id_, row) for id_, row in rows if row["due"] <= now]
        for id_, row in due:
            try:
                await (
                    self._send(id_, row) if row["state"] == "outgoing" else self._fetch(id_, row)
                )
            except (LinkDownError, NotAuthenticatedError, AuditError):
                await asyncio.to_thread(self._later, id_, row)
            except NotFoundError:
                await asyncio.to_thread(self._again, id_, row)
            except CaretierError as error:
                _LOG.warning("referral refused: %s", error.kind)
                await asyncio.to_thread(self._end, id_, row, None)
        return bool(due) or told

    async def tell(self) -> bool:
        """Tell the clinic of withdrawn consents, and carry nothing else; whether it has all."""
        await self._tell_withdrawals(datetime.now(UTC).isoformat())
        return not await asyncio.to_thread(self._member.vault.items, WITHDRAWALS)

    async def _refresh(self) -> None:
        """Fetch the keys of the tiers above once a day; where that fails those held are used."""
        url, bundles = await asyncio.to_thread(self._member.link)
        if datetime.now(UTC) - bundles[Level.CLINIC].issued < REFRESH:
            return
        try:
            newer = successors(tuple(bundles.values()), await self._link.keys())
        except CaretierError as error:
            _LOG.warning("the clinic's keys were not refreshed: %s", error.kind)
            return
        clinic, *above = newer
        await asyncio.to_thread(self._member.link_to, url, clinic, above[0] if above else None)
        self._bundles = dict(zip(bundles, newer, strict=True))

    async def _tell_withdrawals(self, now: str) -> bool:
        """Tell the clinic of withdrawn consents; returns whether it took any."""
        rows = await asyncio.to_thread(self._member.vault.items, WITHDRAWALS)
        told = False
        for id_, row in rows:
            if row["due"] > now:
                continue
            try:
                await self._link.withdraw(Withdrawal.model_validate(row["message"]))
            except ReferralRefusedError as error:  # it would be refused for ever
                _LOG.error("a withdrawal was refused: %s", error.kind)
            except CaretierError as error:
                _LOG.warning("a withdrawal waits: %s", error.kind)
                await asyncio.to_thread(self._tell_later, id_, row)
                continue
            told = True
            await asyncio.to_thread(self._told, id_)
        return told

    def _told(self, id_: str) -> None:
        with self._member.vault.write() as tx:
            tx.delete(WITHDRAWALS, id_)

    def _tell_later(self, id_: str, row: dict[str, Any]) -> None:
        with self._member.vault.write() as tx:
            tx.put(WITHDRAWALS, id_, {**row, **_postponed(row)})

    async def _send(self, id_: str, row: dict[str, Any]) -> None:
        if not await asyncio.to_thread(self._may_leave, id_, row):
            return
        parcel = await self._link.send(Envelope.model_validate_json(row["envelope"]))
        if row.get("kind") == signals.KIND:  # nothing comes back for one
            refused = parcel.state is ParcelState.REFUSED
            await asyncio.to_thread(self._said, id_, row, "refused" if refused else "sent")
            return
        await asyncio.to_thread(self._taken, id_, row, parcel)

    async def _fetch(self, id_: str, row: dict[str, Any]) -> None:
        parcel = await self._link.fetch(id_)
        if parcel.reply is None and parcel.state is not ParcelState.REFUSED:
            await asyncio.to_thread(self._taken, id_, row, parcel)
        else:
            await asyncio.to_thread(self._end, id_, row, parcel.reply)

    def _taken(self, id_: str, row: dict[str, Any], parcel: Parcel) -> None:
        """The clinic has it; say so, and where it waits when the hospital does not answer."""
        due = (datetime.now(UTC) + POLL).isoformat()
        envelope = Envelope.model_validate_json(row["envelope"])
        held = envelope.destination is Level.HOSPITAL and parcel.state is ParcelState.RECEIVED
        with self._member.vault.write() as tx:
            if tx.get("outbox", id_) is None:
                return
            tx.put("outbox", id_, {**row, "state": "sent", "due": due, "attempts": 0})
            consult = tx.get("consult", id_)
            if consult is None:
                return
            answer = Answer.model_validate(consult["answer"])
            waits = row["state"] == "sent" and held
            changed = answer.model_copy(
                update={
                    "status": Status.QUEUED if waits else Status.REFERRED,
                    "degraded_from": Level.HOSPITAL if waits else None,
                }
            )
            if changed != answer:
                tx.put("consult", id_, {**consult, "answer": changed.model_dump(mode="json")})
                entry = tx.get("ledger", row["receipt"])
                tx.put("ledger", row["receipt"], {**entry, "state": changed.status})

    def _later(self, id_: str, row: dict[str, Any]) -> None:
        """The clinic cannot be reached: wait longer each time, and say what is missing."""
        with self._member.vault.write() as tx:
            if tx.get("outbox", id_) is None:
                return
            tx.put("outbox", id_, {**row, **_postponed(row)})
            consult = tx.get("consult", id_)
            if consult is not None and row["state"] == "outgoing":
                answer = Answer.model_validate(consult["answer"])
                wanted = Envelope.model_validate_json(row["envelope"]).destination
                changed = answer.model_copy(update={"degraded_from": wanted})
                tx.put("consult", id_, {**consult, "answer": changed.model_dump(mode="json")})

    def _may_leave(self, id_: str, row: dict[str, Any]) -> bool:
        """Whether it is still to be sent: it may have been withdrawn since the rows were read."""
        with self._member.vault.write() as tx:
            if tx.get("outbox", id_) is None:
                return False
            consent = tx.get(
                "consent", Envelope.model_validate_json(row["envelope"]).receipt.consent
            )
            withdrawn = consent is not None and consent["withdrawn"] is not None
            if withdrawn:
                take_back(tx, id_, row)
            return not withdrawn

    def _again(self, id_: str, row: dict[str, Any]) -> None:
        """The clinic lost it: send it once more, unless it was ended or withdrawn meanwhile."""
        if self._may_leave(id_, row):
            with self._member.vault.write() as tx:
                tx.put("outbox", id_, {**row, "state": "outgoing"})

    def _end(self, id_: str, row: dict[str, Any], sealed: str | None) -> None:
        """Open the reply (None: it was refused), write the answer, and delete the outbox row."""
        if row.get("kind") == signals.KIND:
            self._said(id_, row, "refused")
            return
        language = self._member.profile["language"]
        consult = self._member.vault.get("consult", id_)
        before = Answer.model_validate(consult["answer"])
        answer = before.model_copy(
            update={"status": Status.ABSTAINED, "text": REFUSED[language], "degraded_from": None}
        )
        if sealed is not None:
            answer = self._open(id_, row, sealed, before)
        self._record(id_, row, answer)
        with self._member.vault.write() as tx:
            if tx.get("outbox", id_) is None:
                return
            tx.delete("outbox", id_)
            tx.put("consult", id_, {**consult, "answer": answer.model_dump(mode="json")})
            entry = tx.get("ledger", row["receipt"])
            tx.put("ledger", row["receipt"], {**entry, "state": answer.status})

    def _said(self, id_: str, row: dict[str, Any], state: str) -> None:
        """What the person said of an answer has arrived, or never will."""
        with self._member.vault.write() as tx:
            if tx.get("outbox", id_) is not None:
                signals.ended(tx, id_, row, state)

    def _open(self, id_: str, row: dict[str, Any], sealed: str, before: Answer) -> Answer:
        readers = Envelope.model_validate_json(row["envelope"]).receipt.readers
        signers = {t: b.identity_public() for t, b in self._bundles.items() if t in readers}
        key = SealingKey.from_bytes(from_text(row["reply_key"]))
        language = self._member.profile["language"]
        try:
            reply = open_reply(sealed, referral=id_, key=key, signers=signers)
            mapping = self._member.placeholder_map(row["conversation"])
            told = _reidentified(reply, mapping)
        except ReferralRefusedError:
            told = before.model_copy(update={"status": Status.ABSTAINED, "text": REFUSED[language]})
        except PlaceholderError:
            told = before.model_copy(update={"status": Status.ABSTAINED, "text": DAMAGED[language]})
        changes = {"disclosure": before.disclosure, "offer": None, "degraded_from": None}
        return told.model_copy(update={"id": id_, **changes})

    def _record(self, id_: str, row: dict[str, Any], answer: Answer) -> None:
        self._audit.record(
            crossing(
                action="receive",
                referral=id_,
                person=Agent("person", self._member.identity.public.fingerprint),
                application=Agent("application", "caretier-device"),
                model=Agent("model", answer.model.name),
                source=answer.tier,
                destination=Level.DEVICE,
                detail={"receipt": row["receipt"]},
            )
        )

    async def close(self) -> None:
        """Close the line to the clinic."""
        await self._link.close()


def _postponed(row: dict[str, Any]) -> dict[str, Any]:
    """When to try a row again: each time twice as late, up to `LONGEST_WAIT`."""
    pause = min(timedelta(seconds=2 ** min(row["attempts"], 8)), LONGEST_WAIT)
    due = (datetime.now(UTC) + pause).isoformat()
    return {"attempts": row["attempts"] + 1, "due": due}


def _reidentified(answer: Answer, mapping: PlaceholderMap) -> Answer:
    """Put names and dates back, here on the device.

    Raises:
        PlaceholderError: the answer holds a placeholder that this device never gave out.
    """
    back = mapping.reidentify
    return answer.model_copy(
        update={
            "text": back(answer.text),
            "sentences": tuple(
                Sentence(text=back(s.text), citations=s.citations) for s in answer.sentences
            ),
            "more": tuple(Sentence(text=back(s.text), citations=s.citations) for s in answer.more),
            "citations": tuple(
                c.model_copy(update={"quote": back(c.quote)}) for c in answer.citations
            ),
        }
    )
