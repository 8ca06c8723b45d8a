"""Conditions of a request: If-Match, If-None-Match, If-Modified-Since."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.fhir.drafts import Match
from services.fhir.errors import FhirRequestError
from services.fhir.rest.call import Call
from services.fhir.results import Stored

_TAG = re.compile(r'(?:W/)?"([^"]{0,64})"')


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'W/"{version}"'


def expected(if_match: str, if_none_match: str = "") -> Match | None:
    """Return what decides whether a write finds the version that it expects.

    Args:
        if_match: the ``If-Match`` header, "" where there is none.
        if_none_match: the ``If-None-Match`` header; ``*`` expects that nothing is there.

    Raises:
        FhirRequestError: a header is not of entity tags.
    """
    if if_none_match:
        if if_none_match.strip() != "*":
            raise FhirRequestError("If-None-Match of a write is *")
        return lambda version: version is None
    if not if_match:
        return None
    if if_match.strip() == "*":
        return lambda version: version is not None
    tags = _tags(if_match)
    return lambda version: str(version) in tags


def is_known(call: Call, stored: Stored) -> bool:
    """Whether the caller has this version already, by what its conditional read says."""
    tags = call.header("if-none-match")
    if tags:
        return tags.strip() == "*" or str(stored.version) in _tags(tags)
    since = call.header("if-modified-since")
    try:
        moment = parsedate_to_datetime(since) if since else None
    except ValueError:
        return False  # as HTTP has it: what cannot be read is not there
    if moment is None:
        return False
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _second(stored.updated) <= moment


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _tags(header: str) -> frozenset[str]:
    found = [_TAG.fullmatch(part.strip()) for part in header.split(",")]
    if not all(found):
        raise FhirRequestError('an entity tag is W/"1": a version number in quotes')
    return frozenset(tag[1] for tag in found if tag)
