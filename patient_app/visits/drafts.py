"""Answers before a visit, as they are written: kept in the vault, finished, handed over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from compliance.errors import BadInputError, NotFoundError
from patient_app.member import Member
from patient_app.visits.prefill import pointed_at, prefilled
from patient_app.visits.shape import worded, words_of
from services.consult.messages import Triage, Urgency
from services.fhir.errors import FhirInvalidError
from services.fhir.intake import questionnaires
from services.fhir.intake.answers import Item, answers
from services.fhir.intake.questionnaires import URL
from services.fhir.intake.stated import stated
from services.fhir.intake.validate import faults
from services.fhir.validate import check

KIND, QUESTION = "visit", "visit-question"
"""Kinds in the vault: drafts, and what the person wants to ask at a visit."""
MOST = 20
"""Most drafts of one person, and twice as many questions."""
_NAMED = re.compile(r"'([\w-]+)'")
_RANK = {Urgency.EMERGENCY: 0, Urgency.URGENT: 1, Urgency.ROUTINE: 2}
Look = Callable[[str], Triage]
"""Reads a text for red flags."""
Draft = dict[str, Any]


def begin(member: Member, form: str) -> Draft:
    """Begin to fill in a form (``new-visit``), prefilled from the record.

    Raises:
        NotFoundError: there is no such form.
        BadInputError: there are too many drafts.
    """
    questionnaire = form_of(f"{URL}{form}")
    patient = next((r["id"] for r in member.resources() if r["resourceType"] == "Patient"), "me")
    who, id_ = {"reference": f"Patient/{patient}"}, uuid4().hex
    items = prefilled(member, questionnaire)
    asked = [row["text"] for _, row in member.vault.items(QUESTION)]
    if asked:
        answer = {"valueString": "\n".join(asked)[: _longest(questionnaire)]}
        items.append({"linkId": "questions", "answer": [answer]})
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": id_,
        "language": member.profile["language"],
        "questionnaire": f"{questionnaire['url']}|{questionnaire['version']}",
        "status": "in-progress",
        "subject": who,
        "source": who,
        "authored": _now(),
        "item": worded(items, questionnaire, member.profile["language"]),
    }
    draft = {"response": response, "changed": _now(), "flag": None}
    with member.vault.write() as tx:
        if len(tx.items(KIND)) >= MOST:
            raise BadInputError(
                f"There are {MOST} preparations already.", remedy="Delete one that is over."
            )
        tx.put(KIND, id_, draft)
    return draft


def form_of(canonical: str) -> Item:
    """The questionnaire that a response names.

    Raises:
        NotFoundError: this device does not have it.
    """
    found = questionnaires().get(canonical.partition("|")[0])
    if found is None:
        raise NotFoundError("There is no such form.")
    return found


def held(member: Member, id_: str) -> Draft:
    """A draft.

    Raises:
        NotFoundError: there is none of that id.
    """
    found: Draft | None = member.vault.get(KIND, id_)
    if found is None:
        raise NotFoundError("There is no such preparation.")
    return found


def save(member: Member, id_: str, items: list[dict[str, Any]], look: Look) -> Draft:
    """Keep what was answered so far; every text is read for red flags.

    Args:
        member: whose.
        id_: of the draft.
        items: of the QuestionnaireResponse.
        look: the red-flag rules.

    Raises:
        NotFoundError: there is no such draft.
        BadInputError: the answers are none to this form, or name entries of no record.
    """
    draft = held(member, id_)
    form = form_of(draft["response"]["questionnaire"])
    response = _answered(draft["response"], items, member.profile["language"], form)
    known = pointed_at(prefilled(member, form)) | pointed_at(draft["response"].get("item", []))
    if not pointed_at(response.get("item", [])) <= known:
        raise BadInputError("An answer names an entry that is not in this record.")
    flag = _gravest(response, look)
    with member.vault.write() as tx:
        now: Draft | None = tx.get(KIND, id_)
        if now is None:
            raise NotFoundError("There is no such preparation.")
        draft = {**_reopened(now), "response": response, "changed": _now(), "flag": flag}
        tx.put(KIND, id_, draft)
    return draft


def _reopened(draft: Draft) -> Draft:
    """What was sent is a former version now; it still lies where it was sent to."""
    last = draft.get("sent")
    former = [*draft.get("former", ()), *([last] if last else [])]
    return {**draft, "sent": None, "former": former, "taken": None}


def _answered(before: Item, items: list[dict[str, Any]], language: str, form: Item) -> Draft:
    """The response with these answers.

    Raises:
        BadInputError: they are no valid FHIR, or none to this form.
    """
    changes = {"status": "in-progress", "authored": _now(), "language": language}
    response = {k: v for k, v in before.items() if k != "item"} | changes
    try:
        check(response | ({"item": items} if items else {}))
    except FhirInvalidError as error:
        raise BadInputError(f"The answers are not valid: {error.message}") from error
    if kept := worded(items, form, language):
        response["item"] = kept
    found = faults(response, form)
    if found:
        raise BadInputError(f"The answers do not fit the form: {found[0].rule}.")
    return response


def missing(draft: Draft) -> list[str]:
    """The linkIds of what is required and not answered yet, in the order of the form."""
    response = {**draft["response"], "status": "completed"}
    found = faults(response, form_of(response["questionnaire"]))
    return list(dict.fromkeys(m[1] for one in found if (m := _NAMED.search(one.rule))))


def finish(member: Member, id_: str) -> Draft:
    """Say that it is complete; it can be opened again by saving.

    Raises:
        NotFoundError: there is no such draft.
        BadInputError: an answer is missing.
    """
    draft = held(member, id_)
    if missing(draft):
        raise BadInputError("An answer is missing.")
    response = {**draft["response"], "status": "completed", "authored": _now()}
    check(response)
    draft = {**draft, "response": response, "changed": _now()}
    with member.vault.write() as tx:
        tx.put(KIND, id_, draft)
    return draft


def forget(member: Member, id_: str) -> None:
    """Delete a draft.

    Raises:
        NotFoundError: there is none.
    """
    with member.vault.write() as tx:
        if not tx.delete(KIND, id_):
            raise NotFoundError("There is no such preparation.")


def listed(member: Member) -> list[dict[str, Any]]:
    """Every draft in short, the newest first."""
    language = member.profile["language"]
    rows = [_brief(id_, draft, language) for id_, draft in member.vault.items(KIND)]
    return sorted(rows, key=lambda row: row["changed"], reverse=True)


def _brief(id_: str, draft: Draft, language: str) -> dict[str, Any]:
    form = form_of(draft["response"]["questionnaire"])
    return {
        "id": id_,
        "title": words_of(form, "title", language),
        "status": draft["response"]["status"],
        "changed": draft["changed"],
        "flag": draft["flag"],
    }


def _gravest(response: Item, look: Look) -> dict[str, Any] | None:
    """The gravest of what the rules say to each answer and to all words together."""
    given = answers(response)
    texts = [text for one in given for text in stated(one)]
    written = "\n".join(one.text for one in given if one.text)
    found = [look(text) for text in dict.fromkeys([*texts, written]) if text]
    first = min(found, key=lambda triage: _RANK[triage.level], default=Triage())
    return first.model_dump(mode="json") if first.level is not Urgency.ROUTINE else None


def _longest(questionnaire: Item) -> int:
    lengths: Iterator[int] = (
        q.get("maxLength", 0) for q in questionnaire["item"] if q["linkId"] == "questions"
    )
    return next(lengths, 0)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
