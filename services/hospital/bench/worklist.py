"""``caretier bench worklist``: many clinicians at one worklist, against a server of its own.

Each clinician loads the list, thinks, loads it with other filters, and now and then takes a
referral; meanwhile the page asks every twenty seconds what has changed, as `inbox.js` does. Waiting
is random around the mean. Other programs on the machine make the figures worse; the time that the
server itself was busy is printed beside them.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import httpx
import psutil
import typer
from rich.console import Console
from rich.table import Table

from services.hospital.bench.ward import Ward, lay, running
from services.hospital.settings import HospitalSettings

app = typer.Typer(add_completion=False)
POLL_SECONDS = 20.0
ACTS = 0.05
"""Share of loads after which a referral is taken."""
PAGES = (
    *("", "", "", "?show=mine", "?show=nobody", "?show=nobody&urgency=urgent"),
    *("?overdue=yes", "?waiting=4h&language=es", "?reason=not-covered&draft=yes"),
    *("?sort=oldest", "?sort=newest&page=3", "?page=2", "?show=handed", "?show=signed"),
)
_ROW = re.compile(r'id="r-([0-9a-f-]+)" data-version="(\d+)"')
_CSRF = re.compile(r'<meta name="csrf" content="([^"]*)"')
_AT = re.compile(r'data-at="([^"]+)"')


class Clinician:
    """One browser: a page that is open, and what it knows."""

    def __init__(self, http: httpx.AsyncClient, cookie: str, took: dict[str, list[float]]) -> None:
        self._http, self._took = http, took
        self._headers = {"cookie": f"caretier_portal={cookie}", "sec-fetch-site": "same-origin"}
        self._query, self._page = "", ""

    async def work(self, until: float, think: float, chance: random.Random) -> None:
        """Load, think and load again, beside the page's own questions."""
        await asyncio.sleep(chance.uniform(0, min(think, POLL_SECONDS)))
        polled = time.monotonic()
        while time.monotonic() < until:
            self._query = chance.choice(PAGES)
            self._page = (await self.ask("list", f"/portal/{self._query}")).text
            if chance.random() < ACTS:
                await self._take()
            wake = time.monotonic() + chance.expovariate(1 / think)
            while (now := time.monotonic()) < min(wake, until):
                if now - polled >= POLL_SECONDS:
                    polled = now
                    await self._news()
                await asyncio.sleep(min(1.0, max(0.01, wake - now)))

    async def ask(self, kind: str, path: str, **more: Any) -> httpx.Response:
        """One call, timed under its kind; a failure counts as an error."""
        method, headers = more.pop("method", "GET"), self._headers | more.pop("headers", {})
        began = time.perf_counter()
        try:
            reply = await self._http.request(method, path, headers=headers, **more)
            kind = kind if reply.is_success else "error"
        except httpx.HTTPError:
            reply, kind = httpx.Response(599), "error"
        self._took[kind].append(time.perf_counter() - began)
        return reply

    async def _news(self) -> None:
        rows = ",".join(id_ for id_, _ in _ROW.findall(self._page))
        since = found[1] if (found := _AT.search(self._page)) else ""
        query = httpx.QueryParams(self._query).merge({"since": since, "rows": rows})
        await self.ask("news", f"/portal/api/worklist?{query}")

    async def _take(self) -> None:
        rows, token = _ROW.findall(self._page), _CSRF.search(self._page)
        if not rows or token is None:
            return
        id_, version = rows[-1]
        body = {"rows": [{"id": id_, "version": int(version)}]}
        headers = {"x-csrf-token": token[1]}
        path = "/portal/api/worklist/take"
        await self.ask("take", path, method="POST", json=body, headers=headers)


async def _load(ward: Ward, seconds: float, think: float) -> dict[str, list[float]]:
    took: dict[str, list[float]] = defaultdict(list)
    limits = httpx.Limits(max_connections=len(ward.cookies), keepalive_expiry=60)
    async with httpx.AsyncClient(base_url=ward.address, limits=limits, timeout=30) as http:
        for kind in PAGES[:3]:  # what is compiled once is not counted
            await Clinician(http, ward.cookies[0], defaultdict(list)).ask("warm", f"/portal/{kind}")
        people = [Clinician(http, cookie, took) for cookie in ward.cookies]
        until = time.monotonic() + seconds
        chances = [random.Random(n) for n in range(len(people))]  # noqa: S311 - load
        work = [p.work(until, think, c) for p, c in zip(people, chances, strict=True)]
        await asyncio.gather(*work)
    return took


def measure(ward: Ward, seconds: float, think: float) -> dict[str, Any]:
    """Let everybody work for so long; milliseconds by kind of request, and the server's share."""
    server = psutil.Process(ward.process)
    before, began = server.cpu_times(), time.monotonic()
    took = asyncio.run(_load(ward, seconds, think))
    after, wall = server.cpu_times(), time.monotonic() - began
    busy = after.user + after.system - before.user - before.system
    calls = sum(map(len, took.values()))
    return {
        "requests": calls,
        "per_second": round(calls / wall, 1),
        "errors": len(took.pop("error", [])),
        "server_cores": round(busy / wall, 2),
        "server_ms_per_request": round(1000 * busy / max(1, calls), 1),
        "user_ms_per_request": round(1000 * (after.user - before.user) / max(1, calls), 1),
        "kinds": {kind: _percentiles(all_) for kind, all_ in sorted(took.items())},
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"count": len(ordered), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99)}


@app.command()
def worklist(  # noqa: PLR0917 - the options of the command
    referrals: Annotated[int, typer.Option(min=1, help="Open ones.")] = 2000,
    signed: Annotated[int, typer.Option(min=0)] = 500,
    clinicians: Annotated[int, typer.Option(min=1)] = 200,
    seconds: Annotated[float, typer.Option(min=1)] = 60,
    think: Annotated[float, typer.Option(min=0.1, help="Mean seconds between two loads.")] = 15,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty database; a SQLite file if none.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Time the worklist under many clinicians."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as name, console.status("Laying referrals …") as status:
        settings = HospitalSettings(data=Path(name) / "hospital", database=database)
        cookies = lay(settings, referrals, signed, clinicians)
        status.update("Starting the hospital …")
        with running(settings, cookies) as ward:
            status.update("Working …")
            found = measure(ward, seconds, think)
    if as_json:
        typer.echo(json.dumps(found))
        return
    _show(found, f"{clinicians} clinicians, {referrals} open and {signed} signed, think {think} s")


def _show(found: dict[str, Any], said: str) -> None:
    table = Table("request", "count", "p50 ms", "p95 ms", "p99 ms")
    for kind, figures in found["kinds"].items():
        table.add_row(kind, *(f"{figures[name]:g}" for name in ("count", "p50", "p95", "p99")))
    out = Console()
    out.print(table)
    out.print(
        f"{said}; {found['per_second']} requests a second, {found['errors']} errors;"
        f" server: {found['server_cores']} cores, {found['server_ms_per_request']} ms a request"
        f" (user {found['user_ms_per_request']}); load average {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    app()
