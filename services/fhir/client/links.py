"""Addresses that a server gives: followed only where they stay on that server."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

from services.fhir.client.errors import FhirAnswerError
from services.web.outbound import OutboundRefusedError, origin_of

_RELATIVE = re.compile(r"[A-Z][A-Za-z]*[/?]|[$_?]")
"""How a link begins that is relative to the base."""


def clean_base(base: str) -> str:
    """The base address without a final slash.

    Raises:
        OutboundRefusedError: it is no plain absolute address.
    """
    origin_of(base)
    parts = urlsplit(base)
    return urlunsplit((parts.scheme.lower(), parts.netloc, parts.path.rstrip("/"), "", ""))


def follow(base: str, link: str, *, current: str) -> str:
    """The absolute address that a link of a Bundle stands for.

    Servers give it whole, from the root of the host, or relative to their base; behind a proxy
    that ends TLS they may give ``http`` for ``https``. Whatever the form, it must be below the
    base: the access token goes along with the call.

    Args:
        base: of the server, from `clean_base`.
        link: as it was given.
        current: address that was called; a link that is only a query belongs to it.

    Raises:
        FhirAnswerError: it leads elsewhere.
    """
    if link.startswith("?"):
        found = urljoin(current, link)
    elif link.startswith("/") and not link.startswith("//"):
        found = urljoin(base, link)
        found = found if _below(base, found) else base + link
    elif "://" in link:
        found = _as_reached(base, link)
    else:
        found = f"{base}/{link}" if _RELATIVE.match(link) else ""
    try:
        same = origin_of(found) == origin_of(base)
    except OutboundRefusedError:
        same = False
    if not same or not _below(base, found):
        raise FhirAnswerError("The FHIR server gives a link that leads elsewhere.")
    return urlunsplit(urlsplit(found)._replace(fragment=""))


def same_origin(url: str, link: str) -> str:
    """The absolute address of a link, which must be on the same origin as ``url``.

    Raises:
        FhirAnswerError: it is not.
    """
    found = _as_reached(url, urljoin(url, link))
    try:
        same = origin_of(found) == origin_of(url)
    except OutboundRefusedError:
        same = False
    if not same:
        raise FhirAnswerError("The FHIR server gives an address that is not its own.")
    return found


def _as_reached(base: str, link: str) -> str:
    """The same host by plain HTTP is the server behind its proxy: call it as it is reached."""
    here, there = urlsplit(base), urlsplit(link)
    if (here.scheme, there.scheme) != ("https", "http") or there.hostname != here.hostname:
        return link
    if "@" in there.netloc:
        return link
    return urlunsplit(there._replace(scheme=here.scheme, netloc=here.netloc))


def _below(base: str, url: str) -> bool:
    root, path = urlsplit(base).path.lower(), urlsplit(url).path.lower()
    inside = path.rstrip("/") == root or path.startswith(f"{root}/")
    return inside and not {".", "..", "%2e", "%2e%2e", ".%2e", "%2e."} & set(path.split("/"))
