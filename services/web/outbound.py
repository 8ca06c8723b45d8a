"""The only way out to addresses that others name: keys of clients, subscribers, other records.

A server that calls what a stranger writes down can be sent to its own insides. So an operator lists
the origins that may be called, and everything else is refused before any network is touched:

    outbound = Outbound(["https://ehr.example.org"])
    outbound.check("https://ehr.example.org/jwks.json")
    keys = await outbound.get_json("https://ehr.example.org/jwks.json")

A name is resolved once for a connection, every address it has is judged, and that very address is
connected to, while certificate and Host are those of the name (`services.web.connecting`). There
are no redirects, no proxies from the environment, and every body and every exchange has an end.
"""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from services.web.connecting import GuardedTransport, Resolve, resolve
from services.web.refused import OutboundFailedError, OutboundRefusedError

__all__ = ["Outbound", "OutboundFailedError", "OutboundRefusedError"]

MAX_URL_CHARS = 8192
CONNECT_SECONDS = 10.0
"""Longest time to resolve a name and to connect, whatever a caller waits for the answer."""
_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


class Outbound:
    """Calls to the origins that an operator listed, and to no others.

    Args:
        origins: ``https://ehr.example.org[:port]``; ``http://`` only where it is listed so.
        private: whether they may be on loopback or in a private network; link-local addresses,
            multicast and the metadata services of clouds are refused in any case.
        timeout: longest time of an exchange, from the name to the last byte, in seconds.
        cap: longest body of an answer, unpacked, in bytes.
        resolving: turns a name into addresses; for tests.
        tls: trusted certificates; those of the environment when None.

    Raises:
        OutboundRefusedError: an origin is none.
    """

    def __init__(
        self,
        origins: Iterable[str],
        *,
        private: bool = False,
        timeout: float = 10.0,
        cap: int = 8 << 20,
        resolving: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._origins = frozenset(_listed(origin) for origin in origins)
        self._private, self._timeout, self._cap = private, timeout, cap
        self._resolving, self._given_tls = resolving, tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context()

    def check(self, url: str) -> None:
        """Refuse an address that may not be called; no network is touched.

        Raises:
            OutboundRefusedError: it is no plain absolute address, or its origin is not listed.
        """
        if origin_of(url) not in self._origins:
            raise OutboundRefusedError("That address may not be called from here.")

    async def get_json(self, url: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """Get a JSON document.

        Raises:
            OutboundRefusedError: the address may not be called, or the answer is too large.
            OutboundFailedError: there is no answer in time, or it is not the document.
        """
        self.check(url)
        asked = {"accept": "application/json", **(headers or {})}
        async with self.client() as client:
            try:
                answer = await client.get(url, headers=asked)
                if answer.status_code != httpx.codes.OK:
                    raise OutboundFailedError("The address does not give the document.")
                return json.loads(answer.content)
            except httpx.HTTPError:
                raise OutboundFailedError("The address does not answer.") from None
            except (ValueError, RecursionError):
                raise OutboundFailedError("The address does not give JSON.") from None

    def client(
        self,
        *,
        timeout: float | None = None,
        cap: int | None = None,
    ) -> httpx.AsyncClient:
        """Make a client under the same rules; the caller closes it.

        What may not be called raises `OutboundRefusedError` out of its methods, what does not
        answer in time `httpx.TimeoutException`.

        Args:
            timeout: longest time of one exchange, in seconds; this object's when None.
            cap: longest body, in bytes; this object's when None.
        """
        total = self._timeout if timeout is None else timeout
        transport = GuardedTransport(
            self.check,
            private=self._private,
            total=total,
            cap=self._cap if cap is None else cap,
            resolving=self._resolving,
            tls=self._tls,
        )
        return httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(total, connect=min(total, CONNECT_SECONDS)),
            follow_redirects=False,
            trust_env=False,
            headers={"accept-encoding": "gzip"},
        )


def origin_of(url: str) -> str:
    """Scheme, host and port of a plain absolute address, the port always written out.

    Every parser must read the same host in it: there is no user, no backslash, nothing outside
    printable ASCII, and a host is a plain name or an address in its one usual form.

    Raises:
        OutboundRefusedError: it is not such an address.
    """
    refusal = OutboundRefusedError("That is not an address that can be called.")
    if len(url) > MAX_URL_CHARS or not _PRINTABLE.fullmatch(url):
        raise refusal
    try:
        parts, seen = urlsplit(url), httpx.URL(url)
        host, port = parts.hostname or "", parts.port
    except (ValueError, httpx.InvalidURL):
        raise refusal from None
    scheme = parts.scheme.lower()
    plain = scheme in _PORTS and not set("@%") & set(parts.netloc) and _is_host(host)
    same = seen.raw_host.decode("latin-1").strip("[]").lower() == host.lower()
    if not plain or not same or parts.netloc.endswith(":") or port == 0:
        raise refusal
    if seen.scheme != scheme or (seen.port or _PORTS[scheme]) != (port or _PORTS[scheme]):
        raise refusal
    shown = f"[{host}]" if ":" in host else host.lower()
    return f"{scheme}://{shown}:{port or _PORTS[scheme]}"


def _is_host(host: str) -> bool:
    if ":" in host:
        return _is_address(host)
    labels = host.lower().split(".")
    if _NUMERIC.fullmatch(labels[-1]):  # 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to some
        return _is_address(host)
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)  # noqa: PLR2004


def _is_address(host: str) -> bool:
    try:
        return str(ipaddress.ip_address(host)) == host.lower()
    except ValueError:
        return False


def _listed(origin: str) -> str:
    parts = urlsplit(origin.strip())
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise OutboundRefusedError(
            "An origin is a scheme, a host and a port, as https://ehr.example.org:8443."
        )
    return origin_of(origin.strip())
