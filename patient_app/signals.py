"""What a person says of an answer: a thumb, or that it is wrong and why.

It is kept in their vault, one for each answer. Where a consent for learning stands, it goes at once
to the one tier that the consent names: masked, under a receipt, sealed, through the outbox. What
was said before there was a consent stays here, and so does all that was asked to stay on the
device. Withdrawing the consent takes it back at every tier; here it stays, as the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from pydantic import ValidationError

from compliance.consent import Consent
from compliance.deidentify import DeidentificationError
from compliance.errors import BadInputError, NotFoundError
from patient_app.disclosure import Discloser
from patient_app.errors import NotLinkedError, SignalSentError
from patient_app.leaving import Leaving, Masker, release
from patient_app.member import Member
from patient_app.saying import as_said, signal_in_words
from patient_app.vault.transaction import Transaction
from services.consult.messages import Answer, Level, Status
from services.learning.signals import SentSignal

KIND = "signal"
"""Kind in the vault, and of a row of the outbox."""
GONE = frozenset({"queued", "sent"})
Verdict = Literal["up", "down", "wrong"]
Why = Literal["asked", "no-consent", "no-clinic", "unmasked"]
"""Why a signal stays: it was to, no consent for learning stands, there is no clinic, or it could
not be masked for certain."""
_MINE = {"state": "kept", "why": "no-consent", "consent": None, "destination": None}
"""What is written of a signal whose consent was withdrawn."""


@dataclass(frozen=True)
class _Way:
    """Where a signal may go: under which consent, and to which tier."""

    consent: Consent
    destination: Level


@dataclass(frozen=True)
class _Said:
    """What was said: of which consult, as the vault holds it, of which answer, and the new row."""

    consult: str
    kept: dict[str, Any]
    answer: str
    row: dict[str, Any]

    def masked(self, masked: Masker, consent: Consent) -> SentSignal:
        """The same as it may leave; raises DeidentificationError where that is not certain."""
        note = self.row["note"]
        return SentSignal(
            signal=str(uuid4()),
            verdict=self.row["verdict"],
            question=masked(self.kept["question"]),
            answer=masked(self.answer),
            note=masked(note) if note else "",
            consent=consent.id,
            ends=consent.expires,
        )


def shown(held: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the vault holds of what was said, as the client shows it; None where nothing was."""
    told = ("verdict", "note", "state", "why", "destination")
    return {name: held[name] for name in told} if held else None


def give(
    discloser: Discloser, member: Member, consult: str, verdict: Verdict, note: str = ""
) -> dict[str, Any]:
    """Keep what a person says of an answer; it leaves where a consent for learning lets it.

    Args:
        discloser: masks, and writes down what leaves.
        member: whose answer it is.
        consult: id of the question.
        verdict: ``wrong`` comes with a note.
        note: why it is wrong, in the person's words.

    Raises:
        NotFoundError: there is no such question.
        BadInputError: it has no answer, or ``wrong`` comes without a note.
        SignalSentError: something was said of it already, and has left.
        AuditError: it could not be written down; nothing was kept.
    """
    kept = member.vault.get("consult", consult)
    if kept is None:
        raise NotFoundError("There is no such question.")
    answer = Answer.model_validate(kept["answer"])
    if answer.status is not Status.ANSWERED:
        raise BadInputError("This question has no answer yet.")
    if verdict == "wrong" and not note.strip():
        raise BadInputError("Say what is wrong.")
    row = {
        "verdict": verdict,
        "note": note.strip() if verdict == "wrong" else "",
        "given": datetime.now(UTC).isoformat(),
        "state": "kept",
        "why": None,
        "consent": None,
        "destination": None,
    }
    _refuse_sent(member.vault.get(KIND, consult))
    way = _way(member, kept)
    said = _Said(consult, kept, answer.text, row)
    why = way if isinstance(way, str) else _send(discloser, member, said, way)
    if why is not None:
        row["why"] = why
        with member.vault.write() as tx:
            _refuse_sent(tx.get(KIND, consult))
            tx.put(KIND, consult, row)
    return shown(member.vault.get(KIND, consult)) or {}


def take_back(member: Member, consult: str) -> None:
    """Delete what was said of an answer.

    Raises:
        NotFoundError: nothing was.
        SignalSentError: it has left.
    """
    with member.vault.write() as tx:
        _refuse_sent(tx.get(KIND, consult))
        if not tx.delete(KIND, consult):
            raise NotFoundError("Nothing was said of this answer.")


def ended(tx: Transaction, id_: str, row: dict[str, Any], state: str) -> None:
    """A signal is ``sent``, ``refused`` or ``withdrawn``: out of the outbox, and written down."""
    tx.delete("outbox", id_)
    entry = tx.get("ledger", row["receipt"])
    tx.put("ledger", row["receipt"], {**entry, "state": state})
    held = tx.get(KIND, row["consult"])
    if held is not None:
        changes = _MINE if state == "withdrawn" else {"state": state}
        tx.put(KIND, row["consult"], {**held, **changes})


def keep_here(tx: Transaction, consent: str) -> None:
    """What was sent under a consent is deleted at every other tier; here it is the person's own."""
    for id_, held in tx.items(KIND):
        if held["consent"] == consent:
            tx.put(KIND, id_, {**held, **_MINE})


def _refuse_sent(held: dict[str, Any] | None) -> None:
    if held is not None and held["state"] in GONE:
        raise SignalSentError("What you said of this answer has left this device.")


def _way(member: Member, kept: dict[str, Any]) -> _Way | Why:
    """Where a signal of this consult may go now, or why it must stay."""
    if kept.get("local_only") or member.profile["local_only"]:
        return "asked"
    consent = member.learning_consent()
    if consent is None:
        return "no-consent"
    try:
        _url, bundles = member.link()
    except NotLinkedError:
        return "no-clinic"
    named = [Level(level) for level in consent.destinations if level in bundles]
    return _Way(consent, named[0]) if named else "no-clinic"


def _send(discloser: Discloser, member: Member, said: _Said, way: _Way) -> Why | None:
    """Queue a signal, or say why it must stay after all."""
    talk, consent, now = said.kept["conversation"], way.consent, datetime.now(UTC)
    mapping = member.placeholder_map(talk)
    masked = discloser.masker(member, member.profile["language"], mapping)
    try:
        sent = said.masked(masked, consent)
    except (DeidentificationError, ValidationError):  # masked, it may be longer than is taken
        return "unmasked"
    payload, readers = sent.model_dump_json(), (str(way.destination),)
    leaving = Leaving(
        sent.signal, payload, discloser.detector, consent.id, way.destination, readers
    )
    outgoing = release(member, discloser.audit, leaving, now)
    entry = {
        "consult": said.consult,
        "time": now.isoformat(),
        "destination": way.destination,
        "readers": list(readers),
        "text": signal_in_words(sent, member.profile["language"]),
        "said": as_said(sent),
        "consent": consent.id,
        "bytes": len(payload.encode()),
        "state": "queued",
    }
    left = {"state": "queued", "consent": consent.id, "destination": readers[0]}
    with member.vault.write() as tx:
        _refuse_sent(tx.get(KIND, said.consult))
        held = Consent.model_validate(tx.get("consent", consent.id))
        if not held.permits("learning", way.destination, now):
            return "no-consent"
        tx.put("map", talk, mapping.to_json())
        tx.put("ledger", outgoing["receipt"], entry)
        tx.put("outbox", sent.signal, {**outgoing, "kind": KIND, "consult": said.consult})
        tx.put(KIND, said.consult, {**said.row, **left})
    return None
