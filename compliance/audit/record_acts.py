"""Events of a person's data: read, searched, asked about, written, given out, destroyed."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qsl, quote

from compliance.audit import balp
from compliance.audit.actors import Actors, about, event, own
from compliance.audit.agents import (
    AUTHOR,
    CUSTODIAN,
    DESTINATION,
    DICOM,
    RECIPIENT,
    SOURCE,
    coding,
)
from compliance.audit.balp import EXPORT, REST, Outcome, Profile, interaction

_CHANGES: dict[str, tuple[Literal["C", "U", "D"], Profile, Profile]] = {
    "create": ("C", "PatientCreate", "Create"),
    "update": ("U", "PatientUpdate", "Update"),
    "delete": ("D", "PatientDelete", "Delete"),
}
"""Action, and profile with and without a patient."""
SHOWN_PARAMETERS = frozenset(
    {
        "_at",
        "_count",
        "_id",
        "_lastUpdated",
        "_page",
        "_since",
        "_sort",
        "category",
        "code",
        "patient",
        "subject",
    }
)
"""Search parameters whose values are written down; others (names, numbers) are shown as ``*``."""


def read(
    by: Actors, what: str, *, patient: str | None = None, outcome: Outcome = "0"
) -> dict[str, Any]:
    """One resource, chart or referral was read (BALP PatientRead, or Read without a patient).

    Args:
        by: who.
        what: ``Type/id``, or ``referral:id``, ``chart:id``.
        patient: ``Patient/id`` or a pseudonym.
        outcome: ``8`` when it was refused.
    """
    return event(
        by,
        kind=REST,
        subtypes=[interaction("read"), own("read")],
        action="R",
        agents=by.to_fhir((DESTINATION,), (SOURCE,), (RECIPIENT,)),
        entities=[balp.thing(what), *about(patient)],
        profile="PatientRead" if patient else "Read",
        outcome=outcome,
        purpose=by.purpose,
    )


def change(
    by: Actors,
    what: str,
    made: Literal["create", "update", "delete"],
    *,
    patient: str | None = None,
    outcome: Outcome = "0",
) -> dict[str, Any]:
    """One resource was written (BALP PatientCreate, PatientUpdate, PatientDelete, or plain).

    Args:
        by: who; ``by.model`` is the model that had a part in its words.
        what: ``Type/id``.
        made: what was done to it.
        patient: ``Patient/id`` in whose record it is.
        outcome: ``8`` when it was refused.
    """
    action, of_patient, plain = _CHANGES[made]
    client, server = ((), (CUSTODIAN,)) if made == "delete" else ((SOURCE,), (DESTINATION,))
    own_code = [] if made == "delete" else [own(made)]  # the profile of a deletion takes no other
    return event(
        by,
        kind=REST,
        subtypes=[interaction(made), *own_code],
        action=action,
        agents=by.to_fhir(client, server, (AUTHOR,)),
        entities=[balp.thing(what), *about(patient)],
        profile=of_patient if patient else plain,
        outcome=outcome,
        purpose=by.purpose,
    )


def search(
    by: Actors, request: str, *, patient: str | None = None, outcome: Outcome = "0"
) -> dict[str, Any]:
    """A search (BALP PatientQuery, or Query); with several patients, one event for each.

    Args:
        by: who.
        request: path and query, for example ``Observation?patient=p1&code=718-7``.
        patient: ``Patient/id`` that it is about, if it is about one.
        outcome: ``8`` when it was refused.
    """
    return _query(by, _shown(request), "search-type", "search", patient, outcome)


def everything(by: Actors, patient: str, *, outcome: Outcome = "0") -> dict[str, Any]:
    """The whole record of one person was given out (BALP PatientQuery)."""
    return _query(by, f"{patient}/$everything", "operation", "everything", patient, outcome)


def history(
    by: Actors, request: str, *, patient: str | None = None, outcome: Outcome = "0"
) -> dict[str, Any]:
    """Versions were given out; BALP has no pattern for that. Arguments as of `search`."""
    return _query(by, _shown(request), "history", "history", patient, outcome)


def _query(  # noqa: PLR0917 - the fields of one event
    by: Actors, request: str, kind: str, act: str, patient: str | None, outcome: Outcome
) -> dict[str, Any]:
    return event(
        by,
        kind=REST,
        subtypes=[interaction(kind), own(act)],
        action="E",
        agents=by.to_fhir(person=(RECIPIENT,)),
        entities=[balp.query(request), *about(patient)],
        profile=None if act == "history" else "PatientQuery" if patient else "Query",
        outcome=outcome,
        purpose=by.purpose,
    )


def chat(
    by: Actors, consult: str, *, patient: str | None = None, outcome: Outcome = "0", **detail: str
) -> dict[str, Any]:
    """A question was put to a model through the chat API; ``by.model`` is the model.

    Args:
        by: who.
        consult: id of the consult.
        patient: whose record was used, if one was.
        outcome: how it ended.
        detail: short texts without protected data, for example ``tokens="64"``.
    """
    return event(
        by,
        kind=coding(DICOM, "110100", "Application Activity"),
        subtypes=[own("chat")],
        action="E",
        entities=[balp.thing(f"consult:{consult}", **detail), *about(patient)],
        outcome=outcome,
        purpose=by.purpose,
    )


def export(
    by: Actors, patient: str | None, *, what: str, outcome: Outcome = "0", **detail: str
) -> dict[str, Any]:
    """A person's data were given out as a whole, for example ``what="export:e1"``.

    Without a patient it is what belongs to nobody's record, as organizations.
    """
    extract = coding("iso-21089-lifecycle", "extract", "Extract Record Lifecycle Event")
    return event(
        by,
        kind=EXPORT,
        subtypes=[extract, own("export")],
        action="R",
        agents=by.to_fhir((DESTINATION,), (SOURCE,)),
        entities=[balp.thing(what, **detail), *about(patient)],
        outcome=outcome,
        purpose=by.purpose,
    )


def erase(by: Actors, patient: str, *, what: str, outcome: Outcome = "0") -> dict[str, Any]:
    """A person's data were destroyed (BALP PatientDelete), for example ``what="Patient/p1"``."""
    return event(
        by,
        kind=REST,
        subtypes=[interaction("delete")],  # the profile takes no other
        action="D",
        agents=by.to_fhir((), (CUSTODIAN,), (AUTHOR,)),
        entities=[balp.thing(what), balp.patient(patient)],
        profile="PatientDelete",
        outcome=outcome,
        purpose=by.purpose,
    )


def _shown(request: str) -> str:
    """The request, with the values of parameters that may name a person hidden."""
    path, mark, parameters = request.partition("?")
    pairs = parse_qsl(parameters, keep_blank_values=True)
    shown = [
        f"{quote(name)}={quote(value) if name.partition(':')[0] in SHOWN_PARAMETERS else '*'}"
        for name, value in pairs
    ]
    return path + mark + "&".join(shown)
