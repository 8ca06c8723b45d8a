"""Create, update, patch and delete, by id or by what a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import parse_qsl
from uuid import uuid4

from fastapi import Response

from services.fhir._prepare import prepare
from services.fhir.access import Letter
from services.fhir.conditional import (
    Pairs,
    create_unless,
    delete_where,
    patch_where,
    update_where,
)
from services.fhir.drafts import Match
from services.fhir.errors import FhirParameterError, FhirRequestError
from services.fhir.patching import patched
from services.fhir.policy import require_writable
from services.fhir.rest.answers import answer, tell
from services.fhir.rest.call import Call
from services.fhir.rest.conditions import expected
from services.fhir.rest.negotiation import JSON_PATCH, check_content
from services.fhir.results import Written
from services.fhir.validate import ID, require_type

CONTROLS = frozenset({"_format", "_pretty"})
"""Parameters of an address that say nothing of the resource."""
_NO_PARAMETERS = "Leave them out; the condition of a create stands in the header If-None-Exist."


def create(call: Call, kind: str) -> Response:
    """Create a resource under an id of the server's; with If-None-Exist only if none matches."""
    _begin(call, kind, "c")
    check_content(call.header("content-type"))
    item = prepare(call.body, str(uuid4()), (kind, None), call.base)
    condition = call.header("if-none-exist")
    if not condition:
        return answer(call, call.store.write(lambda writer: writer.create(item), call.access))
    pairs = criteria(parse_qsl(condition.lstrip("?"), keep_blank_values=True))
    work = partial(create_unless, item=item, pairs=pairs)
    return _told(call, call.store.write(work, call.access))


def update(call: Call, kind: str, identity: str) -> Response:
    """Write the next version of a resource, or the first under this id."""
    _begin(call, kind, "u", identity)
    check_content(call.header("content-type"))
    match = _match(call)
    item = prepare(call.body, at=(kind, identity), base=call.base)
    return answer(
        call, call.store.write(lambda writer: writer.update(item, match=match), call.access)
    )


def update_matching(call: Call, kind: str) -> Response:
    """Write over the one resource that the search of the address finds."""
    _begin(call, kind, "u")
    check_content(call.header("content-type"))
    work = partial(
        update_where,
        kind=kind,
        pairs=criteria(call.pairs),
        content=call.body,
        match=_match(call),
        base=call.base,
    )
    return answer(call, call.store.write(work, call.access))


def patch(call: Call, kind: str, identity: str) -> Response:
    """Change a resource by JSON Patch."""
    _begin(call, kind, "u", identity)
    check_content(call.header("content-type"), JSON_PATCH)
    change, match = patched(call.body, call.base), _match(call)
    return _told(
        call,
        call.store.write(
            lambda writer: writer.patch(kind, identity, change, match=match), call.access
        ),
    )


def patch_matching(call: Call, kind: str) -> Response:
    """Change the one resource that the search of the address finds by JSON Patch."""
    _begin(call, kind, "u")
    check_content(call.header("content-type"), JSON_PATCH)
    work = partial(
        patch_where,
        kind=kind,
        pairs=criteria(call.pairs),
        change=patched(call.body, call.base),
        match=_match(call),
    )
    return _told(call, call.store.write(work, call.access))


def delete(call: Call, kind: str, identity: str) -> Response:
    """Delete a resource; its versions stay in the history."""
    _begin(call, kind, "d", identity)
    match = _match(call)
    return answer(
        call,
        call.store.write(lambda writer: writer.delete(kind, identity, match=match), call.access),
    )


def delete_matching(call: Call, kind: str) -> Response:
    """Delete the one resource that the search of the address finds, if there is one."""
    _begin(call, kind, "d")
    work = partial(delete_where, kind=kind, pairs=criteria(call.pairs), match=_match(call))
    done = call.store.write(work, call.access)
    return Response(None, 204) if done is None else answer(call, done)


def criteria(pairs: Sequence[tuple[str, str]]) -> Pairs:
    """The search of a conditional interaction.

    Raises:
        FhirRequestError: there is none; it would mean every resource of the type.
    """
    found = [pair for pair in pairs if pair[0] not in CONTROLS]
    if not found:
        raise FhirRequestError("a condition needs at least one search parameter")
    return found


def _begin(call: Call, kind: str, letter: Letter, identity: str | None = None) -> None:
    """Refuse what need not be read to be refused."""
    require_type(kind)
    require_writable(kind, letter)
    call.access.require(kind, letter)
    if identity is not None and not ID.fullmatch(identity):
        raise FhirRequestError("an id is 1 to 64 letters, digits, '-' or '.'")
    by_search = identity is None and letter != "c"
    if not by_search and any(name not in CONTROLS for name, _ in call.pairs):
        raise FhirParameterError("this interaction takes no parameters", remedy=_NO_PARAMETERS)


def _match(call: Call) -> Match | None:
    return expected(call.header("if-match"), call.header("if-none-match"))


def _told(call: Call, written: Written) -> Response:
    """Answer with a resource that the caller did not send as it is: that is a disclosure, too."""
    made = answer(call, written)
    tell(call, written, bytes(made.body).decode())
    return made
