"""An EHR's FHIR server written by nobody in particular, with the habits of several real ones.

    ehr = QuirkyEhr(Quirks(paging="host-relative", total=False))
    ehr.put({"resourceType": "Patient", "id": "1", ...})
    FhirClient(ehr.base, ehr)                  # `ehr` makes HTTP clients that call it in process

Every habit is a field of `Quirks`; each call is kept in ``ehr.calls`` as (method, path and query).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import httpx
from fastapi import FastAPI, Request, Response

Paging = Literal[
    "offset", "opaque", "host-relative", "base-relative", "query", "http", "port", "none"
]
BASE = "https://ehr.example.test/interconnect/api/FHIR/R4"
ROOT = "/interconnect/api/FHIR/R4"
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"
TOPICS = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
    "capabilitystatement-subscriptiontopic-canonical"
)


@dataclass
class Quirks:
    """Habits of a server.

    Attributes:
        paging: how the link to the next page is written.
        page: most resources on a page, whatever is asked for.
        content_type: of every answer.
        total: whether a Bundle says how many there are.
        listed: search parameters that every type lists; None: the server does not describe itself.
        obeyed: parameters that have an effect; the others are ignored.
        hints: whether a searchset has an OperationOutcome of warnings in it.
        absolute: whether references are whole addresses.
        etag: form of the ETag, with ``%s`` for the version.
        storm: so many calls first get 429; retry_after: seconds, or "date".
        expired: so many calls first get 401.
        broken_page: calls of pages after the first give 500; broken_times: so often.
        link: where every page's next link leads instead, if anywhere.
        slow: seconds before each answer.
        history: whether a type's history can be read; bulk: whether there is an export.
        polls: how often the export is not ready; breaks: a file breaks off after so many bytes,
            so many times; ranges: whether a file can be had from a byte on.
        topics: subscription topics.
        minimal: whether a write is answered without a body.
        manifest: what the export has instead of its manifest, if anything.
    """

    paging: Paging = "offset"
    page: int = 10
    content_type: str = "application/fhir+json; charset=utf-8"
    total: bool = True
    listed: tuple[str, ...] | None = ("patient", "_lastUpdated", "_id", "category")
    obeyed: tuple[str, ...] = ("patient", "_lastUpdated", "_id")
    hints: bool = False
    absolute: bool = False
    etag: str = 'W/"%s"'
    storm: int = 0
    retry_after: str = "0"
    expired: int = 0
    broken_page: int | None = None
    broken_times: int = 10_000
    link: str | None = None
    slow: float = 0.0
    history: bool = False
    bulk: bool = False
    polls: int = 1
    breaks: int = 0
    ranges: bool = True
    topics: tuple[str, ...] = ()
    minimal: bool = False
    manifest: Any = None


class QuirkyEhr:
    """The server and its clock; makes clients of itself (`services.fhir.client.Connects`)."""

    def __init__(self, quirks: Quirks | None = None, base: str = BASE) -> None:
        self.quirks = quirks or Quirks()
        self.base = base
        self.now = START
        self.resources: dict[tuple[str, str], dict[str, Any]] = {}
        self.versions: list[tuple[str, dict[str, Any] | str]] = []
        self.raw: dict[str, list[Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.export_query: dict[str, str] = {}
        self.app = _app(self)

    def client(self, *, timeout: float | None = None, cap: int | None = None) -> httpx.AsyncClient:
        """A client that calls this server in process."""
        return httpx.AsyncClient(transport=_InProcess(self), timeout=timeout or 5)

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Have a resource, with version and time of the server's clock, which goes on."""
        key = (resource["resourceType"], resource["id"])
        version = int(self.resources.get(key, {}).get("meta", {}).get("versionId", 0)) + 1
        stamp = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": stamp}
        self.resources[key] = {**resource, "meta": meta}
        self.versions.insert(0, (f"{key[0]}/{key[1]}", self.resources[key]))
        self.now += timedelta(seconds=1)
        return self.resources[key]

    def put_all(self, resources: Iterable[dict[str, Any]]) -> None:
        for resource in resources:
            self.put(resource)

    def delete(self, kind: str, id_: str) -> None:
        """Have a resource no more."""
        self.resources.pop((kind, id_))
        self.versions.insert(0, (f"{kind}/{id_}", "DELETE"))
        self.now += timedelta(seconds=1)

    def asked(self, part: str) -> list[str]:
        """Paths with query that were called and contain a text."""
        return [path for _, path in self.calls if part in path]

    def first(self, name: str, times: int) -> bool:
        """Whether this is one of the first so many times."""
        self.counts[name] += 1
        return self.counts[name] <= times


def people(count: int) -> list[dict[str, Any]]:
    """Made-up people."""
    return [
        {
            "resourceType": "Patient",
            "id": f"p{number}",
            "gender": "female",
            "name": [{"family": f"Example{number}"}],
        }
        for number in range(count)
    ]


def weights(patient: str, count: int) -> list[dict[str, Any]]:
    """Made-up weights of one person; the digits of the decimals matter."""
    return [
        {
            "resourceType": "Observation",
            "id": f"{patient}-w{number}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": {"reference": f"Patient/{patient}"},
            "valueQuantity": {"value": 70.5 + number, "unit": "kg"},
        }
        for number in range(count)
    ]


class _InProcess(httpx.ASGITransport):
    """Breaks a file off where the server is told to."""

    def __init__(self, ehr: QuirkyEhr) -> None:
        super().__init__(ehr.app)
        self._ehr = ehr

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if "/files/" in request.url.path and self._ehr.first("break", self._ehr.quirks.breaks):
            whole = b"".join([piece async for piece in answer.stream])
            answer.stream = _Broken(whole[: max(1, len(whole) // 2)])
        return answer


@dataclass
class _Broken(httpx.AsyncByteStream):
    part: bytes = field(repr=False)

    async def __aiter__(self):
        yield self.part
        raise httpx.ReadError("broken off")


def _app(ehr: QuirkyEhr) -> FastAPI:  # noqa: C901 - one small route for each thing
    app = FastAPI(openapi_url=None)

    @app.middleware("http")
    async def habits(request: Request, call_next: Any) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        ehr.calls.append((request.method, request.url.path.removeprefix(ROOT) + query))
        ehr.headers.append(dict(request.headers))
        quirks = ehr.quirks
        await asyncio.sleep(quirks.slow)
        if ehr.first("storm", quirks.storm):
            when = datetime.now(UTC) if quirks.retry_after == "date" else None
            value = format_datetime(when, usegmt=True) if when else quirks.retry_after
            return Response("slow down", 429, {"retry-after": value})
        if ehr.first("expired", quirks.expired):
            return _outcome(ehr, 401, "login")
        answer: Response = await call_next(request)
        return answer

    @app.get(ROOT + "/metadata")
    def metadata() -> Response:
        return _capability(ehr)

    @app.get(ROOT)
    def opaque(request: Request) -> Response:
        original = bytes.fromhex(request.query_params["_getpages"]).decode()
        kind, _, query = original.partition("?")
        return _search(ehr, kind, dict(parse_qsl(query)), int(request.query_params["o"]))

    @app.get(ROOT + "/Patient/$export")
    @app.get(ROOT + "/$export")
    @app.get(ROOT + "/Group/{group}/$export")
    def kick_off(request: Request) -> Response:
        if not ehr.quirks.bulk:
            return _outcome(ehr, 404, "not-supported")
        ehr.export_query = dict(request.query_params)
        return Response(status_code=202, headers={"content-location": f"{ehr.base}/jobs/1"})

    @app.get(ROOT + "/jobs/1")
    def poll() -> Response:
        if ehr.first("poll", ehr.quirks.polls):
            return Response(status_code=202, headers={"retry-after": "0", "x-progress": "50%"})
        return _manifest(ehr)

    @app.delete(ROOT + "/jobs/1")
    def cancel() -> Response:
        return Response(status_code=202)

    @app.get(ROOT + "/files/{name}")
    def file(name: str, request: Request) -> Response:
        if name not in ehr.raw:
            return _outcome(ehr, 500, "exception")
        lines = [x if isinstance(x, str) else json.dumps(x) for x in ehr.raw[name]]
        content = "\n".join(lines).encode()
        given = request.headers.get("range")
        if given and ehr.quirks.ranges:
            start = int(given.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return Response(status_code=416)
            told = {"content-range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            return Response(content[start:], 206, told, "application/fhir+ndjson")
        return Response(content, media_type="application/fhir+ndjson")

    @app.get(ROOT + "/{kind}/_history")
    def history(kind: str, request: Request) -> Response:
        if not ehr.quirks.history:
            return _outcome(ehr, 404, "not-supported")
        return _history(ehr, kind, request.query_params.get("_since"))

    @app.get(ROOT + "/{kind}/{id_}")
    def read(kind: str, id_: str) -> Response:
        found = ehr.resources.get((kind, id_))
        if found is None:
            return _outcome(ehr, 404, "not-found")
        version = found["meta"]["versionId"]
        return _json(ehr, found, headers={"etag": ehr.quirks.etag % version})

    @app.get(ROOT + "/{kind}")
    def search(kind: str, request: Request) -> Response:
        query = dict(request.query_params)
        return _search(ehr, kind, query, int(query.pop("_offset", 0)))

    @app.post(ROOT + "/{kind}")
    async def create(kind: str, request: Request) -> Response:
        made = ehr.put({**await request.json(), "id": f"new{len(ehr.resources)}"})
        where = f"{ehr.base}/{kind}/{made['id']}/_history/1"
        return _written(ehr, made, 201, where)

    @app.put(ROOT + "/{kind}/{id_}")
    async def update(kind: str, id_: str, request: Request) -> Response:
        known = ehr.resources.get((kind, id_))
        given = request.headers.get("if-match")
        if given and known and known["meta"]["versionId"] not in given:
            return _outcome(ehr, 412, "conflict")
        return _written(ehr, ehr.put(await request.json()), 200, None)

    @app.delete(ROOT + "/{kind}/{id_}")
    def delete(kind: str, id_: str) -> Response:
        if (kind, id_) not in ehr.resources:
            return _outcome(ehr, 410, "deleted")
        ehr.delete(kind, id_)
        return Response(status_code=204)

    return app


def _json(ehr: QuirkyEhr, value: Any, status: int = 200, headers: Any = None) -> Response:
    answer = Response(json.dumps(value), status, headers)
    answer.headers["content-type"] = ehr.quirks.content_type
    return answer


def _outcome(ehr: QuirkyEhr, status: int, code: str) -> Response:
    issue = {
        "severity": "error",
        "code": code,
        "diagnostics": "Patient Ana Example, born 1970-01-01, cannot be shown",
    }
    return _json(ehr, {"resourceType": "OperationOutcome", "issue": [issue]}, status)


def _written(ehr: QuirkyEhr, made: dict[str, Any], status: int, where: str | None) -> Response:
    headers = {"etag": ehr.quirks.etag % made["meta"]["versionId"]}
    headers |= {"location": where} if where else {}
    if ehr.quirks.minimal:
        return Response(status_code=status, headers=headers)
    return _json(ehr, made, status, headers)


def _capability(ehr: QuirkyEhr) -> Response:
    if ehr.quirks.listed is None:
        return _outcome(ehr, 403, "forbidden")
    codes = ["read", "search-type", "create", "update", "delete"]
    codes += ["history-type"] if ehr.quirks.history else []
    kinds = sorted({kind for kind, _ in ehr.resources} | {"Patient", "Observation"})
    resources = [
        {
            "type": kind,
            "interaction": [{"code": code} for code in codes],
            "searchParam": [{"name": n, "type": "string"} for n in ehr.quirks.listed],
            "operation": [{"name": "export"}] if ehr.quirks.bulk and kind == "Patient" else [],
        }
        for kind in kinds
    ]
    if ehr.quirks.topics:
        told = [{"url": TOPICS, "valueCanonical": topic} for topic in ehr.quirks.topics]
        resources.append(
            {
                "type": "Subscription",
                "supportedProfile": [BACKPORT],
                "interaction": [{"code": "create"}, {"code": "delete"}],
                "extension": told,
            }
        )
    return _json(
        ehr,
        {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "resource": resources}],
        },
    )


def _matches(ehr: QuirkyEhr, kind: str, query: dict[str, str]) -> list[dict[str, Any]]:
    found = [r for (k, _), r in sorted(ehr.resources.items()) if k == kind]
    obeyed = {name: value for name, value in query.items() if name in ehr.quirks.obeyed}
    if "patient" in obeyed:
        wanted = f"Patient/{obeyed['patient'].removeprefix('Patient/')}"
        found = [r for r in found if r.get("subject", {}).get("reference") == wanted]
    if "_id" in obeyed:
        found = [r for r in found if r["id"] in obeyed["_id"].split(",")]
    if "_lastUpdated" in obeyed:
        since = datetime.fromisoformat(obeyed["_lastUpdated"].removeprefix("ge"))
        found = [r for r in found if datetime.fromisoformat(r["meta"]["lastUpdated"]) >= since]
    return [*found, *(r for r in ehr.raw.get(kind, []))]


def _search(ehr: QuirkyEhr, kind: str, query: dict[str, str], offset: int) -> Response:
    quirks = ehr.quirks
    if quirks.broken_page is not None and offset and ehr.first("broken", quirks.broken_times):
        return _outcome(ehr, 500, "exception")
    found = _matches(ehr, kind, query)
    size = min(int(query.get("_count", quirks.page)), quirks.page)
    shown = found[offset : offset + size]
    entries = [
        {"fullUrl": f"{ehr.base}/{kind}/x", "resource": _shown(ehr, r), "search": {"mode": "match"}}
        for r in shown
    ]
    if quirks.hints:
        issue = {"severity": "warning", "code": "informational", "diagnostics": "hint"}
        outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    bundle |= {"total": len(found)} if quirks.total else {}
    link = _next(ehr, kind, query, offset + size) if offset + size < len(found) else None
    link = quirks.link or link
    bundle["link"] = [{"relation": "self", "url": f"{ehr.base}/{kind}"}]
    bundle["link"] += [{"relation": "next", "url": link}] if link else []
    return _json(ehr, bundle)


def _next(ehr: QuirkyEhr, kind: str, query: dict[str, str], offset: int) -> str | None:
    page = urlencode({**query, "_offset": str(offset)})
    handle = f"{kind}?{urlencode(query)}".encode().hex()
    host, _, path = ehr.base.removeprefix("https://").partition("/")
    return {
        "offset": f"{ehr.base}/{kind}?{page}",
        "opaque": f"{ehr.base}?_getpages={handle}&o={offset}",
        "host-relative": f"{ROOT}/{kind}?{page}",
        "base-relative": f"{kind}?{page}",
        "query": f"?{page}",
        "http": f"http://{host}/{path}/{kind}?{page}",
        "port": f"https://{host}:443/{path}/{kind}?{page}",
        "none": None,
    }[ehr.quirks.paging]


def _shown(ehr: QuirkyEhr, resource: Any) -> Any:
    if not ehr.quirks.absolute:
        return resource
    text = json.dumps(resource)
    return json.loads(text.replace('"reference": "', f'"reference": "{ehr.base}/'))


def _history(ehr: QuirkyEhr, kind: str, since: str | None) -> Response:
    entries = []
    for name, version in ehr.versions:
        if not name.startswith(f"{kind}/"):
            continue
        if isinstance(version, str):
            entries.append({"request": {"method": "DELETE", "url": name}})
            continue
        changed = datetime.fromisoformat(version["meta"]["lastUpdated"])
        if since is None or changed >= datetime.fromisoformat(since):
            entries.append({"resource": version, "request": {"method": "PUT", "url": name}})
    return _json(ehr, {"resourceType": "Bundle", "type": "history", "entry": entries})


def _manifest(ehr: QuirkyEhr) -> Response:
    wanted = [t for t in ehr.export_query.get("_type", "").split(",") if t]
    kinds = sorted({kind for kind, _ in ehr.resources if not wanted or kind in wanted})
    output: list[Any] = []
    for kind in kinds:
        name = f"{kind}.ndjson"
        ehr.raw[name] = [r for (k, _), r in ehr.resources.items() if k == kind]
        ehr.raw[name] += ehr.raw.get(kind, [])
        count = len(ehr.raw[name])
        output.append({"type": kind, "url": f"{ehr.base}/files/{name}", "count": count})
    output += ehr.raw.get("extra-output", [])
    stamp = ehr.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {
        "transactionTime": stamp,
        "request": ehr.base,
        "requiresAccessToken": True,
        "output": output,
        "error": ehr.raw.get("error-output", []),
        "deleted": ehr.raw.get("deleted-output", []),
    }
    answer = _json(ehr, body if ehr.quirks.manifest is None else ehr.quirks.manifest)
    answer.headers["content-type"] = "application/json"
    return answer
