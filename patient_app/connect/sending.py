"""Answers before a visit on their way to a connected record: renamed for it, and created there.

They go as the person's own, by name, to where they signed in: only where the server granted just
that, and only on the person's word for these answers. What was altered is sent as a new version,
marked as amended; what is taken back stays there as entered in error, for it may have been read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from compliance.errors import BadInputError
from services.fhir.client import FhirClient, FhirServerError

SCOPE = "patient/QuestionnaireResponse.c patient/QuestionnaireResponse.u"
"""What is asked for beside reading; a server may leave out either: to send, and to take back."""
SYSTEM = "urn:caretier:preparation"
"""Of the identifier by which a server knows answers that it was sent before."""
MOST_ENTRIES = 100
VOID = "entered-in-error"
_GRANT = r"patient/(?:\*|QuestionnaireResponse)\.(?:{letters}|write|\*)(?:\s|$)"
_CREATES = re.compile(_GRANT.format(letters="c[ruds]*"))
_UPDATES = re.compile(_GRANT.format(letters="c?r?u[ds]*"))


def may_send(scope: str) -> bool:
    """Whether a grant covers creating a QuestionnaireResponse."""
    return bool(_CREATES.search(scope))


def may_take_back(scope: str) -> bool:
    """Whether a grant covers altering a QuestionnaireResponse."""
    return bool(_UPDATES.search(scope))


async def hand_over(
    client: FhirClient,
    response: Mapping[str, Any],
    *,
    patient: str,
    place: str,
    keys: Collection[str],
) -> str:
    """Create a QuestionnaireResponse there; sent twice, it is there once.

    Args:
        client: of the other record.
        response: as the vault has it; its ``identifier`` is made by `named`.
        patient: the person's id there.
        place: id of the place, with which the ids of what came from there begin.
        keys: ``Type/id`` of what came from there.

    Returns:
        The id that it has there.

    Raises:
        BadInputError: an answer names an entry that the other record does not have.
        FhirServerError: the server refused, or gave no answer.
    """
    names: dict[str, str] = {}
    for reference in sorted(_references(response.get("item", []))):
        names[reference] = await _there(client, reference, place, keys)
    who = {"reference": f"Patient/{patient}"}
    sent = {
        **{k: v for k, v in response.items() if k != "id"},
        "subject": who,
        "source": who,
        "item": _renamed(response.get("item", []), names),
    }
    value = sent["identifier"]["value"]
    made = await client.create(sent, unless=f"identifier={SYSTEM}|{value}")
    return str(made["id"])


def named(response: Mapping[str, Any], *, before: int, taken_back: int) -> dict[str, Any]:
    """The response with the identifier of just these answers.

    The same answers have the same one however often they are sent, so that a lost reply does no
    harm; other answers, and answers that are sent again after they were taken back, have another.

    Args:
        response: complete.
        before: how many versions of it were sent before; then it is an amended one.
        taken_back: how often it was taken back.
    """
    items = json.dumps(response.get("item", []), sort_keys=True).encode()
    digest = hashlib.sha256(items).hexdigest()[:16]
    value = f"{response['id']}.{taken_back}.{digest}"
    amended = {"status": "amended"} if before else {}
    return {**response, **amended, "identifier": {"system": SYSTEM, "value": value}}


async def take_back(client: FhirClient, id_: str) -> None:
    """Mark answers there as entered in error; what is marked so already is left as it is.

    Args:
        client: of the other record.
        id_: that the answers have there.

    Raises:
        FhirServerError: the server refused, or gave no answer.
    """
    held = await client.read("QuestionnaireResponse", id_)
    if held.get("status") == VOID:
        return
    version = (held.get("meta") or {}).get("versionId")
    await client.update({**held, "status": VOID}, match=version)


async def _there(client: FhirClient, reference: str, place: str, keys: Collection[str]) -> str:
    """What the other record calls an entry; it is read there, so that nothing points at nothing."""
    kind, _, id_ = reference.partition("/")
    known = id_.removeprefix(f"{place}.") if reference in keys else id_
    try:
        await client.read(kind, known)
    except FhirServerError as error:
        raise BadInputError(
            "An answer names an entry that this record does not have.",
            remedy="Print your answers, or hand them over as a file.",
        ) from error
    return f"{kind}/{known}"


def _references(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        own = {value["reference"]} if isinstance(value.get("reference"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: names.get(item, item)
            if key == "reference" and isinstance(item, str)
            else _renamed(item, names)
            for key, item in value.items()
        }
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value
