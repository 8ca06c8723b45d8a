"""A transaction: all of its entries in one turn, or none of them.

R4's order is kept: deletions, then what is created, then what is updated, then what is read.
Entries with conditional references come after those without, so that such a reference can find
what the same transaction creates. What can be parsed and checked before the turn, is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qsl
from uuid import uuid4

from services.fhir import jsontext
from services.fhir._prepare import Prepared, prepare
from services.fhir._versions import Method
from services.fhir.access import Access, Letter
from services.fhir.conditional import delete_where, the_id, the_one
from services.fhir.errors import (
    FhirConflictError,
    FhirPreconditionError,
    FhirRequestError,
)
from services.fhir.patching import patched
from services.fhir.policy import require_writable
from services.fhir.rest.conditions import expected
from services.fhir.rest.naming import conditional, in_bundle, references, renamed
from services.fhir.rest.steps import Step, entry, require_sound
from services.fhir.results import Written
from services.fhir.validate import ID, require_type
from services.fhir.writer import Draft, Match, Writer

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
    _require_distinct(made.keys)
    open_names = {step.full_url for step in made.steps if step.number in made.open}
    for step in made.steps:
        if step.number in made.keys and step.method in {"POST", "PUT"}:
            with entry(step.number):
                if not _waits(step, open_names):
                    made.prepared[step.number] = _prepared(step, made.keys, made.names, {})
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


def _prepared(
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
    return prepare(jsontext.dumps(resource), identity, (kind, given))


def _require_distinct(keys: Mapping[int, Key]) -> None:
    seen: set[Key] = set()
    for number, key in sorted(keys.items()):
        with entry(number):
            if key in seen:
                raise FhirRequestError("another entry writes the same resource")
            seen.add(key)


class Transaction:
    """Does a plan within one turn.

    Args:
        planned: what is known before.
        writer: of the turn.
    """

    def __init__(self, planned: Plan, writer: Writer) -> None:
        self._steps, self._prepared = planned.steps, planned.prepared
        self._keys, self._names = dict(planned.keys), dict(planned.names)
        self._open, self._writer = planned.open, writer
        self._done: dict[int, Written | None] = {}

    def run(self, reads: Sequence[Step] = ()) -> dict[int, Written | None]:
        """Write everything; return what became of each entry, None for nothing to delete.

        Args:
            reads: entries that are answered afterwards; what they name must be there.

        Raises:
            FhirEntryError: an entry cannot be done; nothing of the others may count.
        """
        for step in self._of("DELETE"):
            with entry(step.number):
                self._delete(step)
        for step in self._of("POST", "PUT", "PATCH"):
            if step.number in self._open:
                with entry(step.number):
                    self._find(step)
        _require_distinct(self._keys)
        writes = [s for s in self._of("POST", "PUT") if s.number not in self._done]
        waiting = [s for s in writes if any(conditional(n) for n in references(s.resource))]
        late = {step.number for step in waiting}
        self._write([s for s in writes if s.number not in late], {})
        self._write(waiting, self._conditional(waiting))
        for step in self._of("PATCH"):
            with entry(step.number):
                kind, identity = self._keys[step.number]
                self._done[step.number] = self._writer.patch(
                    kind, identity, patched(step.body), match=_match(step)
                )
        for step in reads:
            with entry(step.number):
                self._require_there(step)
        return self._done

    def _require_there(self, step: Step) -> None:
        plain = step.identity is not None and step.url.partition("?")[0].count("/") == 1
        if plain and step.identity != "_history":
            require_type(step.kind)
            self._writer.require_readable(step.kind, step.identity or "")

    def _of(self, *methods: str) -> list[Step]:
        return [step for step in self._steps if step.method in methods]

    def _delete(self, step: Step) -> None:
        if step.identity is not None:
            key = (step.kind, step.identity)
            self._done[step.number] = self._writer.delete(*key, match=_match(step))
            return
        done = delete_where(self._writer, step.kind, step.pairs, _match(step))
        if done is not None:
            self._keys[step.number] = (done.type, done.id)
        self._done[step.number] = done

    def _find(self, step: Step) -> None:
        """Let the search of a conditional entry say which resource it is about."""
        self._writer.require(step.kind, "c" if step.method == "POST" else "u")
        known = the_one(self._writer, step.kind, step.pairs)
        identity = known.id if known is not None else self._new_id(step)
        self._keys[step.number] = (step.kind, identity)
        if step.full_url:
            self._names[step.full_url] = f"{step.kind}/{identity}"
        if known is not None and step.method == "POST":
            self._done[step.number] = self._writer.found(known)

    def _new_id(self, step: Step) -> str:
        if step.method == "PATCH":
            raise FhirPreconditionError("no resource matches")
        given = step.resource.get("id") if step.method == "PUT" else None
        if not isinstance(given, str) or not ID.fullmatch(given):
            return str(uuid4())
        if self._writer.mine(step.kind, given, "u") is not None:
            raise FhirConflictError("none matches, and another resource has this id")
        return given

    def _conditional(self, steps: Sequence[Step]) -> dict[str, str]:
        """What the conditional references of some entries find."""
        found: dict[str, str] = {}
        for step in steps:
            with entry(step.number):
                for name in references(step.resource):
                    asked = conditional(name)
                    if asked and name not in found:
                        found[name] = self._referred(*asked)
        return found

    def _referred(self, kind: str, query: str) -> str:
        require_type(kind)
        identity = the_id(self._writer, kind, parse_qsl(query, keep_blank_values=True))
        if identity is None:
            raise FhirPreconditionError("a conditional reference finds nothing")
        return f"{kind}/{identity}"

    def _write(self, steps: Sequence[Step], found: Mapping[str, str]) -> None:
        drafts, numbers = [], {}
        for step in steps:
            with entry(step.number):
                item = self._prepared.get(step.number)
                if item is None:
                    item = _prepared(step, self._keys, self._names, found)
                within = partial(entry, step.number)
                method: Method = "POST" if step.method == "POST" else "PUT"
                drafts.append(Draft(item, method, _match(step), within))
                numbers[item.key] = step.number
        if not drafts:
            return
        for key, written in self._writer.write_all(drafts).items():
            self._done[numbers[key]] = written


def _match(step: Step) -> Match | None:
    headers = step.headers
    return expected(headers.get("if-match", ""), headers.get("if-none-match", ""))
