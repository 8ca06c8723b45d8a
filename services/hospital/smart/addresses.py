"""Addresses that a client may register: where it is answered, launched, and runs."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from compliance.errors import BadInputError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LONGEST = 2000


def redirect(uri: str) -> str:
    """Return an address that browsers may be sent back to.

    It is https, http on the person's own machine, or a scheme of an app's own domain
    (``org.example.app:/back``), and has no fragment.

    Raises:
        BadInputError: it is none of these.
    """
    parts = _split(uri)
    own = "." in parts.scheme and bool(parts.path or parts.netloc)
    if parts.fragment or "#" in uri or not (_is_web(parts) or own):
        raise BadInputError("A redirect address is https, or a scheme of the app's own domain.")
    return uri


def web(uri: str) -> str:
    """Return an https address, or an http one on this machine.

    Raises:
        BadInputError: it is neither.
    """
    parts = _split(uri)
    if not _is_web(parts) or "#" in uri:
        raise BadInputError("An address starts with https://.")
    return uri


def origin(uri: str) -> str:
    """Return scheme, host and port as a browser names the page that calls.

    Raises:
        BadInputError: it is more or less than that.
    """
    parts = _split(web(uri))
    if parts.path or parts.query:
        raise BadInputError("An origin has no path: https://app.example.org")
    return uri.lower()


def source_of(uri: str) -> str:
    """What a content security policy calls the place of an address."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if _is_web(parts) else f"{parts.scheme}:"


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise BadInputError("An address cannot be read.") from None
    plain = uri.isascii() and uri.isprintable() and not set(uri) & set(" \"'<>\\;,*`{}|^")
    if not plain or len(uri) > LONGEST or "@" in parts.netloc:
        raise BadInputError("An address holds what no address may hold.")
    return parts


def _is_web(parts: SplitResult) -> bool:
    here = parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or here)
