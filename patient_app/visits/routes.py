"""Routes for what a person prepares before a visit, below ``/api``."""

import asyncio
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from compliance.errors import BadInputError, NotFoundError
from patient_app.connect.sending import named
from patient_app.member import Member
from patient_app.service import Device
from patient_app.visits import drafts
from patient_app.visits.sent import sent, taken_back, versions
from patient_app.visits.shape import shape, words_of
from services.consult.messages import Words
from services.fhir.intake import questionnaires
from services.fhir.intake.questionnaires import URL
from services.fhir.jsontext import dumps

Id = Annotated[str, Field(max_length=64)]
MAX_ITEMS = 200


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BeginBody(_Body):
    """Which form."""

    form: Id


class ItemsBody(_Body):
    """Items of the QuestionnaireResponse, as far as they are answered."""

    items: list[dict[str, Any]] = Field(max_length=MAX_ITEMS)


class QuestionBody(_Body):
    """Something to ask at the visit."""

    text: Annotated[Words, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def visits_routes(router: APIRouter, device: Device, Mine: Any) -> None:  # noqa: N803 - a type
    """Add them to the device's API."""

    @router.get("/visits")
    def visits(member: Mine) -> dict[str, Any]:
        """The forms, what is being prepared, and what the person wants to ask."""
        return _state(member)

    @router.post("/visits")
    def begin(body: BeginBody, member: Mine) -> dict[str, Any]:
        """Begin a preparation, prefilled from the record."""
        return _open(member, drafts.begin(member, body.form))

    @router.get("/visits/{id}")
    def visit(id: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """One preparation with its questions."""
        return _open(member, drafts.held(member, id))

    @router.put("/visits/{id}")
    def save(id: Id, body: ItemsBody, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Keep what was answered; ``flag`` says what the red-flag rules say of it."""
        person = member.person()
        look = device.node.triage.assess
        draft = drafts.save(member, id, body.items, lambda text: look(text, person))
        stands = {name: draft.get(name) for name in ("flag", "sent", "former", "taken")}
        status = draft["response"]["status"]
        return {**stands, "missing": drafts.missing(draft), "status": status}

    @router.post("/visits/{id}/finish")
    def finish(id: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Say that it is complete."""
        return _open(member, drafts.finish(member, id))

    @router.delete("/visits/{id}")
    def forget(id: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Delete a preparation."""
        drafts.forget(member, id)
        return _state(member)

    @router.get("/visits/{id}/fhir", response_class=Response)
    def file(id: Id, member: Mine) -> Response:  # noqa: A002 - of the path
        """The answers as a FHIR QuestionnaireResponse, to hand over."""
        text = dumps(drafts.held(member, id)["response"])
        kept = {
            "cache-control": "no-store",
            "content-disposition": 'attachment; filename="caretier-before-visit.fhir.json"',
        }
        return Response(text, media_type="application/fhir+json", headers=kept)

    _question_routes(router, Mine)
    _sending_routes(router, device, Mine)


def _sending_routes(router: APIRouter, device: Device, Mine: Any) -> None:  # noqa: N803 - a type
    @router.post("/visits/{id}/send/{place}")
    async def send(id: Id, place: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Send complete answers to a connected record, with the person's name."""
        draft = await asyncio.to_thread(drafts.held, member, id)
        if draft["response"].get("status") != "completed":
            raise BadInputError("Only complete answers can be sent.")
        if (draft.get("sent") or {}).get("place") == place:
            return _open(member, draft)  # the reply to the first call was lost on its way
        before, back = len(draft.get("former", ())), draft.get("back", 0)
        response = named(draft["response"], before=before, taken_back=back)
        to, there = await device.connections.send(member, place, response)
        note = partial(sent, member, id, to, place=place, there=there)
        return _open(member, await asyncio.to_thread(note))

    @router.post("/visits/{id}/take-back")
    async def take_back(id: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Take every version of these answers back, wherever it was sent to."""
        draft = await asyncio.to_thread(drafts.held, member, id)
        for one in versions(draft):
            await device.connections.take_back(member, one.get("place", ""), one.get("there", ""))
        return _open(member, await asyncio.to_thread(taken_back, member, id))


def _question_routes(router: APIRouter, Mine: Any) -> None:  # noqa: N803 - a type
    @router.post("/visit-questions")
    def ask(body: QuestionBody, member: Mine) -> dict[str, Any]:
        """Put something on the list of what to ask."""
        with member.vault.write() as tx:
            if len(tx.items(drafts.QUESTION)) >= 2 * drafts.MOST:
                raise BadInputError("The list is full.", remedy="Delete what was answered.")
            tx.put(drafts.QUESTION, uuid4().hex, {"text": body.text})
        return _state(member)

    @router.delete("/visit-questions/{id}")
    def unask(id: Id, member: Mine) -> dict[str, Any]:  # noqa: A002 - of the path
        """Take something off that list."""
        with member.vault.write() as tx:
            if not tx.delete(drafts.QUESTION, id):
                raise NotFoundError("There is no such question.")
        return _state(member)


def _state(member: Member) -> dict[str, Any]:
    language = member.profile["language"]
    rows = member.vault.items(drafts.QUESTION)
    return {
        "forms": [
            {"name": url.removeprefix(URL), "title": words_of(form, "title", language)}
            for url, form in questionnaires().items()
        ],
        "drafts": drafts.listed(member),
        "questions": [{"id": id_, "text": row["text"]} for id_, row in rows],
    }


def _open(member: Member, draft: drafts.Draft) -> dict[str, Any]:
    form = drafts.form_of(draft["response"]["questionnaire"])
    return {**draft, "form": shape(form, member.profile["language"])} | {
        "missing": drafts.missing(draft)
    }
