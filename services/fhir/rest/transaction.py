"""A transaction: all of its entries in one turn, or none of them.

R4's order is kept: deletions, then what is created, then what is updated, then what is read.
Entries with conditional references come after those without, so that such a reference can find
what the same transaction creates. What can be known before the turn is in `planning`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import parse_qsl
from uuid import uuid4

from services.fhir._versions import Method
from services.fhir.conditional import delete_where, the_id, the_one
from services.fhir.drafts import Draft, Match
from services.fhir.errors import FhirConflictError, FhirPreconditionError
from services.fhir.patching import patched
from services.fhir.rest.conditions import expected
from services.fhir.rest.naming import conditional, references
from services.fhir.rest.planning import Plan, prepared, require_distinct
from services.fhir.rest.steps import Step, entry
from services.fhir.results import Written
from services.fhir.validate import ID, require_type
from services.fhir.writer import Writer


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
        require_distinct(self._keys)
        writes = [s for s in self._of("POST", "PUT") if s.number not in self._done]
        waiting = [s for s in writes if any(conditional(n) for n in references(s.resource))]
        late = {step.number for step in waiting}
        self._write([s for s in writes if s.number not in late], {})
        self._write(waiting, self._conditional(waiting))
        for step in self._of("PATCH"):
            with entry(step.number):
                kind, identity = self._keys[step.number]
                self._done[step.number] = self._writer.patch(
                    kind, identity, patched(step.body, step.base), match=_match(step)
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
                    item = prepared(step, self._keys, self._names, found)
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
