"""The device's API: ask, preview, send, and the person's own control."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from compliance.consent import Purpose
from compliance.errors import BadInputError, CaretierError, NotFoundError
from patient_app import signals, withdrawing
from patient_app.asking import Event
from patient_app.connect.routes import connection_routes
from patient_app.history_routes import history_routes
from patient_app.importing import parse_record
from patient_app.linking_routes import linking_routes
from patient_app.medicines.routes import medicines_routes
from patient_app.member import Member
from patient_app.newcomers import may_be_born
from patient_app.own_data_routes import own_data_routes
from patient_app.personal.policy import MAX_INTERESTS, Interest
from patient_app.personal.routes import personal_routes
from patient_app.recovering_routes import recovering_routes
from patient_app.redacting_routes import redacting_routes
from patient_app.results.routes import results_routes
from patient_app.saying import entry_in_words
from patient_app.service import Device
from patient_app.sessions import Sessions
from patient_app.signal_routes import signal_routes
from patient_app.summary import summarise
from patient_app.trouble import problem_in
from patient_app.visits.routes import visits_routes
from patient_app.whose import about
from services.consult.messages import (
    MAX_QUESTION_CHARS,
    Answer,
    Offer,
    Sentence,
    Step,
    Triage,
    Words,
)

_LOG = logging.getLogger("caretier.device")
_NAMES = {Triage: "triage", Step: "step", Sentence: "delta", Answer: "answer"}
Id = Annotated[Words, Field(max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskBody(_Body):
    """A question; ``conversation`` continues an earlier one."""

    text: Words = Field(max_length=MAX_QUESTION_CHARS)
    conversation: Id | None = None
    local_only: bool = False


class PreviewBody(_Body):
    """A question whose disclosure is to be shown; ``consult`` is the one it was asked in."""

    text: Words = Field(max_length=MAX_QUESTION_CHARS)
    conversation: Id | None = None
    consult: Id | None = None


class SendBody(_Body):
    """``remember`` also gives a standing consent for the destination."""

    remember: bool = False


class ConsentBody(_Body):
    """A standing consent; it has no end when ``days`` is left out."""

    purpose: Purpose
    destinations: tuple[Literal["clinic", "hospital"], ...] = Field(min_length=1, max_length=2)
    days: int | None = Field(default=None, ge=1, le=3650)


class ProfileBody(_Body):
    """What the person sets; fields that are not sent stay."""

    language: Literal["en", "es"] | None = None
    reading_level: Literal["simple", "standard", "detailed"] | None = None
    units: Literal["as-written", "metric", "us"] | None = None
    interests: tuple[Interest, ...] | None = Field(default=None, max_length=MAX_INTERESTS)
    learn: bool | None = None
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    born: date | None = None
    local_only: bool | None = None

    def changes(self) -> dict[str, Any]:
        """What was sent.

        Raises:
            BadInputError: nobody can be born on that day.
        """
        if self.born is not None and not may_be_born(self.born, datetime.now(UTC).date()):
            raise BadInputError("The day of birth is not a day in the past.")
        return self.model_dump(exclude_none=True)


def device_router(device: Device, sessions: Sessions) -> APIRouter:
    """Routes below ``/api``."""
    router = APIRouter(prefix="/api", tags=["device"])
    Mine = Annotated[Member, Depends(sessions.member)]  # noqa: N806 - a type

    @router.post("/ask", response_class=StreamingResponse)
    async def ask(body: AskBody, member: Mine) -> StreamingResponse:
        """Server-sent events: triage, step, delta, and last answer (or problem)."""
        events = device.ask(
            member, body.text, conversation=body.conversation, local_only=body.local_only
        )
        told = _sse(events, member.profile["language"])
        return StreamingResponse(told, media_type="text/event-stream")

    @router.post("/preview")
    async def preview(body: PreviewBody, member: Mine) -> Offer:
        """What would leave for this question; nothing leaves."""
        return await device.preview(member, body.text, body.conversation, body.consult)

    @router.post("/send/{preview_id}")
    async def send(preview_id: str, body: SendBody, member: Mine) -> Answer:
        """Let a preview leave."""
        return await asyncio.to_thread(
            device.discloser.send, member, preview_id[:64], remember=body.remember
        )

    @router.get("/consults")
    def consults(member: Mine) -> dict[str, Any]:
        """Earlier consults, newest first."""
        said = {id_: signals.shown(held) for id_, held in member.vault.items(signals.KIND)}
        rows = [_shown(member, row) for row in member.consults()]
        return {"consults": [{**row, "signal": said.get(row["id"])} for row in rows]}

    @router.get("/consults/{consult}")
    def consult(consult: str, member: Mine) -> dict[str, Any]:
        """One consult as it stands now."""
        kept = member.vault.get("consult", consult[:64])
        if kept is None:
            raise NotFoundError("There is no such consult.")
        said = signals.shown(member.vault.get(signals.KIND, consult[:64]))
        return {"id": consult, **_shown(member, kept), "signal": said}

    @router.get("/ledger")
    def ledger(member: Mine) -> dict[str, Any]:
        """What left, newest first, in the language of the person's choice."""
        language = member.profile["language"]
        entries = [
            {"receipt": id_, **row, "text": entry_in_words(row, language), "said": None}
            for id_, row in member.vault.items("ledger")
        ]
        return {"entries": sorted(entries, key=lambda e: e["time"], reverse=True)}

    @router.get("/profile")
    def profile(member: Mine) -> dict[str, Any]:
        """The profile."""
        return member.profile

    @router.put("/profile")
    def set_profile(body: ProfileBody, member: Mine) -> dict[str, Any]:
        """Change what is sent; the rest stays."""
        return member.set_profile(body.changes())

    _consent_routes(router, Mine)
    _record_routes(router, Mine)
    linking_routes(router, device, Mine)
    own_data_routes(router, device, sessions, Mine)
    recovering_routes(router, device, sessions, Mine)
    personal_routes(router, device, Mine)
    signal_routes(router, device, Mine)
    history_routes(router, Mine)
    redacting_routes(router, device, Mine)
    results_routes(router, device, Mine)
    medicines_routes(router, device, Mine)
    visits_routes(router, device, Mine)
    connection_routes(router, device.connections, Mine)
    return router


def _shown(member: Member, row: dict[str, Any]) -> dict[str, Any]:
    """A consult with its answer as this person reads it best."""
    answer = member.shown(Answer.model_validate(row["answer"]))
    return {**row, "answer": answer.model_dump(mode="json")}


def _consent_routes(router: APIRouter, Mine: Any) -> None:  # noqa: N803 - a type
    @router.get("/consent")
    def consents(member: Mine) -> dict[str, Any]:
        """Every consent, newest first."""
        return {"consents": [c.model_dump(mode="json") for c in member.consents()]}

    @router.get("/consent/fhir")
    def consents_as_fhir(member: Mine) -> dict[str, Any]:
        """Every consent as a FHIR R4 Bundle of Consents."""
        return withdrawing.consents_to_fhir(member)

    @router.post("/consent")
    def give(body: ConsentBody, member: Mine) -> dict[str, Any]:
        """Give a standing consent for one purpose and the tiers named, the destination first."""
        made = withdrawing.give(member, body.purpose, body.destinations, days=body.days)
        return made.model_dump(mode="json")

    @router.post("/consent/{consent}/withdraw")
    def withdraw(consent: str, member: Mine) -> dict[str, Any]:
        """Withdraw a consent; what waits for an answer under it is taken back, here and above."""
        withdrawing.withdraw(member, consent[:64])
        return {"consents": [c.model_dump(mode="json") for c in member.consents()]}


def _record_routes(router: APIRouter, Mine: Any) -> None:  # noqa: N803 - a type
    @router.get("/record")
    def record(member: Mine) -> dict[str, Any]:
        """The record in words, and whose it is."""
        return {"summary": summarise(member), "about": about(member.resources())}

    @router.post("/record")
    async def import_record(request: Request, member: Mine) -> dict[str, int]:
        """Import FHIR R4: a Bundle, a resource, an array, or NDJSON."""
        resources = parse_record(await request.body())
        return {"imported": await asyncio.to_thread(member.import_record, resources)}


async def _sse(events: AsyncIterator[Event], language: str) -> AsyncIterator[str]:
    """Write events as they come; an error becomes the event ``problem``."""
    async with contextlib.aclosing(events) as stream:  # type: ignore[type-var]
        try:
            async for event in stream:
                data = event.model_dump_json()
                yield f"event: {_NAMES[type(event)]}\ndata: {data}\n\n"
        except CaretierError as error:
            yield _problem_event(error, language)
        except Exception as error:  # noqa: BLE001 - the stream has begun: say that it failed
            _LOG.error("unexpected %s while answering", type(error).__name__)
            yield _problem_event(CaretierError("Something went wrong here."), language)


def _problem_event(error: CaretierError, language: str) -> str:
    return f"event: problem\ndata: {json.dumps(problem_in(error, language))}\n\n"
