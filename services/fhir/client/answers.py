"""Reading what a server says: liberal in form, strict in what is taken for a resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.fhir import jsontext
from services.fhir.client.deletions import deletions
from services.fhir.client.errors import FhirAnswerError
from services.fhir.errors import FhirInvalidError
from services.fhir.validate import check, resource_types

Resource = dict[str, Any]
"""A resource as Python values, decimals as `decimal.Decimal`."""

ISSUE_CODES = frozenset(
    """invalid structure required value invariant security login unknown expired forbidden
    suppressed processing not-supported duplicate multiple-matches not-found deleted too-long
    code-invalid extension too-costly business-rule conflict transient lock-error no-store
    exception timeout incomplete throttled informational""".split()
)
"""Issue types of R4: all that is kept of an OperationOutcome."""
_ETAG = re.compile(r'(?:w/)?"?([A-Za-z0-9.-]{1,64})"?', re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z]{1,64}")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True)
class Failure:
    """Something that could not be had.

    Attributes:
        what: ``Type``, ``Type/id`` or the name of a file; no person's data.
        code: issue code of FHIR, ``http-<status>`` or the kind of an error of ours.
        passing: whether it may work later.
    """

    what: str
    code: str
    passing: bool = False


@dataclass
class Fetched:
    """What was had, and what was not."""

    resources: list[Resource] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """One page of a Bundle.

    Attributes:
        matches: resources that were asked for; included: those that came along.
        failures: entries that are no valid resources, and warnings of the server.
        deleted: ``Type/id`` of deletions.
        next: link to the next page, as given.
        total: number of matches, where the server says so.
    """

    matches: tuple[Resource, ...]
    included: tuple[Resource, ...]
    failures: tuple[Failure, ...]
    deleted: tuple[str, ...]
    next: str | None
    total: int | None


def parse(content: bytes) -> Resource:
    """Read one resource of any type from a body, whatever its content type says.

    Raises:
        FhirAnswerError: it is no JSON object with a ``resourceType``.
    """
    try:
        value = jsontext.loads_exact(content.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        raise FhirAnswerError("The FHIR server's answer is not FHIR JSON.") from None
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise FhirAnswerError("The FHIR server's answer is not a resource.")
    return value


def issue_codes(content: bytes) -> tuple[str, ...]:
    """Issue codes of an OperationOutcome; nothing else of it is kept, for it may name a person."""
    try:
        value = parse(content)
    except FhirAnswerError:
        return ()
    return tuple(dict.fromkeys(_codes(value)))[:5]


def _codes(outcome: Mapping[str, Any]) -> Iterator[str]:
    issues = outcome.get("issue")
    for issue in issues if isinstance(issues, list) else ():
        code = issue.get("code") if isinstance(issue, dict) else None
        if isinstance(code, str) and code in ISSUE_CODES:
            yield code


def version_of(etag: str | None) -> str | None:
    """The version in an ETag, whichever way it is written: ``W/"3"``, ``w/"3"``, ``"3"``, ``3``."""
    found = _ETAG.fullmatch((etag or "").strip())
    return found[1] if found else None


def read_page(content: bytes, *, valid: bool = True) -> Page:
    """Read one page of a searchset or history.

    Args:
        content: body of the answer.
        valid: whether what is no valid R4 is a failure; otherwise type and id are enough.

    Raises:
        FhirAnswerError: it is not a Bundle.
    """
    bundle = parse(content)
    if bundle["resourceType"] != "Bundle":
        raise FhirAnswerError("The FHIR server's answer is not a Bundle.")
    matches: list[Resource] = []
    included: list[Resource] = []
    failures: list[Failure] = []
    for entry in _objects(bundle.get("entry")):
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            continue  # the entry of a deletion, or one that the server withheld
        search = entry.get("search")
        mode = search.get("mode") if isinstance(search, dict) else None
        if resource.get("resourceType") == "OperationOutcome":
            failures += [Failure("Bundle", code) for code in _codes(resource) if _bad(resource)]
        elif (failure := fault_of(resource, valid=valid)) is not None:
            failures.append(failure)
        else:
            (included if mode == "include" else matches).append(resource)
    total = bundle.get("total")
    total = total if isinstance(total, int) and not isinstance(total, bool) else None
    return Page(
        matches=tuple(matches),
        included=tuple(included),
        failures=tuple(failures),
        deleted=tuple(deletions(bundle)),
        next=_next(bundle),
        total=total,
    )


def fault_of(resource: Mapping[str, Any], *, valid: bool = True) -> Failure | None:
    """Why something is no resource, or no valid one; None if it is."""
    name = name_of(resource)
    if "/" not in name or resource.get("resourceType") not in resource_types() or _deep(resource):
        return Failure(name, "structure")
    try:
        if valid:
            check(resource)
    except FhirInvalidError:
        return Failure(name, "invalid")
    except (ValueError, TypeError, RecursionError, AttributeError):
        return Failure(name, "structure")
    return None


def _deep(resource: Mapping[str, Any]) -> bool:
    """Whether something is nested too deep to be walked through."""
    level: list[Any] = [resource]
    for _ in range(jsontext.MAX_DEPTH):
        below = [
            inner for one in level for inner in (one.values() if isinstance(one, dict) else one)
        ]
        level = [one for one in below if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def name_of(resource: Mapping[str, Any]) -> str:
    """``Type/id`` as far as it is of that form."""
    kind, id_ = resource.get("resourceType"), resource.get("id")
    kind = kind if isinstance(kind, str) and _NAME.fullmatch(kind) else "Resource"
    return f"{kind}/{id_}" if isinstance(id_, str) and _ID.fullmatch(id_) else kind


def _bad(outcome: Mapping[str, Any]) -> bool:
    """Whether an OperationOutcome tells of more than hints."""
    issues = list(_objects(outcome.get("issue")))
    return any(issue.get("severity") in {"fatal", "error"} for issue in issues)


def _next(bundle: Mapping[str, Any]) -> str | None:
    for link in _objects(bundle.get("link")):
        if link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"]) or None
    return None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item
