"""A transaction before its turn: who is who, what may be refused at once, what can be prepared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from services.fhir import jsontext
from services.fhir._prepare import Prepared, prepare
from services.fhir.access import Access, Letter
from services.fhir.errors import FhirRequestError
from services.fhir.policy import require_writable
from services.fhir.rest.naming import conditional, in_bundle, references, renamed
from services.fhir.rest.steps import Step, entry, require_sound

Key = tuple[str, str]
_LETTERS: Mapping[str, Letter] = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}


@dataclass
class Plan:
    """What is known of a transaction before its turn.

    Attributes:
        steps: its writes, in the order of the bundle.
        keys: type and id of each entry that is known, by number.
        names: what the full URLs of entries become.
        open: numbers of the entries whose id a search decides.
        prepared: resources that need nothing of the turn, by number.
    """

    steps: Sequence[Step]
    keys: dict[int, Key] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)
    prepared: dict[int, Prepared] = field(default_factory=dict)


def plan(steps: Iterable[Step], access: Access) -> Plan:
    """Read the writes of a transaction.

    Raises:
        FhirEntryError: an entry cannot be done by this caller, whatever is stored.
    """
    made = Plan([step for step in steps if step.method not in {"GET", "HEAD"}])
    seen: set[str] = set()
    for step in made.steps:
        with entry(step.number):
            require_sound(step)
            require_writable(step.kind, _LETTERS[step.method])
            access.require(step.kind, _LETTERS[step.method])
            if step.full_url in seen:
                raise FhirRequestError("another entry has its fullUrl")
            seen.add(step.full_url) if step.full_url else None
            _name(made, step)
    require_distinct(made.keys)
    open_names = {step.full_url for step in made.steps if step.number in made.open}
    for step in made.steps:
        if step.number in made.keys and step.method in {"POST", "PUT"}:
            with entry(step.number):
                if not _waits(step, open_names):
                    made.prepared[step.number] = prepared(step, made.keys, made.names, {})
    return made


def _name(made: Plan, step: Step) -> None:
    if step.method == "POST" and not step.pairs:
        key = (step.kind, str(uuid4()))
    elif step.identity is not None:
        key = (step.kind, step.identity)
    else:
        made.open.add(step.number)
        return
    made.keys[step.number] = key
    if step.full_url:
        made.names[step.full_url] = "/".join(key)


def _waits(step: Step, open_names: set[str]) -> bool:
    """Whether a resource refers to what only the turn can tell."""
    resolve = in_bundle(dict.fromkeys(open_names, "?"), step.full_url)
    return any(conditional(name) or resolve(name) for name in references(step.resource))


def prepared(
    step: Step, keys: Mapping[int, Key], names: Mapping[str, str], found: Mapping[str, str]
) -> Prepared:
    """The resource of an entry under its names and id.

    Raises:
        FhirRequestError: it refers to an entry that is not there, or is of another type or id.
    """
    resolve = in_bundle({**names, **found}, step.full_url)
    resource = renamed(step.resource, resolve)
    if any(name.startswith("urn:uuid:") for name in references(resource)):
        raise FhirRequestError("it refers to a urn:uuid that is no fullUrl of the bundle")
    kind, identity = keys[step.number]
    given = identity if step.method == "PUT" and step.identity else None
    return prepare(jsontext.dumps(resource), identity, (kind, given), step.base)


def require_distinct(keys: Mapping[int, Key]) -> None:
    """Refuse entries that write the same resource.

    Raises:
        FhirEntryError: two of them do.
    """
    seen: set[Key] = set()
    for number, key in sorted(keys.items()):
        with entry(number):
            if key in seen:
                raise FhirRequestError("another entry writes the same resource")
            seen.add(key)
