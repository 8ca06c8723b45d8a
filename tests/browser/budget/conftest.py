"""Both clients on real sockets of loopback, and a phone on a slow network that looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page
from support.served import served
from support.stage import PASSWORD, PERSON, a_device, a_hospital, lay

from patient_app.app import create as create_device
from services.hospital.app import create as create_hospital

SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
"""Round trip in ms and bytes a second, as Lighthouse's phone has them."""
CPU_TIMES = 4
WATCH = """() => {
  window.seen = { fcp: 0, lcp: 0, shift: 0, shifts: [], long: [] };
  const on = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each))
    .observe({ type, buffered: true });
  on("paint", (e) => { if (e.name === "first-contentful-paint") seen.fcp = e.startTime; });
  on("largest-contentful-paint", (e) => { seen.lcp = e.startTime; });
  on("longtask", (e) => seen.long.push(e.duration));
  on("layout-shift", (e) => {
    if (e.hadRecentInput) return;
    seen.shift += e.value;
    seen.shifts.push(...e.sources.map((s) =>
      `${s.node?.outerHTML?.slice(0, 90)} at ${s.previousRect?.y} -> ${s.currentRect?.y}`));
  });
}"""
REST_MS = 700
"""So long after the last request a page has to stand still."""


@dataclass
class Look:
    """What one page cost. Bytes over the wire; times in ms from the start of the navigation."""

    bytes: int = 0
    requests: int = 0
    fcp: float = 0
    lcp: float = 0
    shift: float = 0
    shifts: list[str] = field(default_factory=list)
    long: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """The longest task of the page, in ms."""
        return max(self.long, default=0)

    def row(self, name: str) -> str:
        """One line of the table."""
        times = f"{self.fcp:6.0f} {self.lcp:6.0f} {self.longest:6.0f}"
        return f"{name:24} {self.bytes / 1000:6.1f} {self.requests:3d} {times} {self.shift:.4f}"


def _measure(page: Page, cdp: CDPSession, address: str, *, timed: bool) -> Look:
    sizes: list[float] = []
    cdp.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
    reply = page.goto(address, wait_until="networkidle")
    assert reply is not None, address
    assert reply.ok, f"{address}: {reply.status}"
    page.wait_for_timeout(REST_MS if timed else 0)
    seen: dict[str, Any] = page.evaluate("window.seen") if timed else {}
    return Look(bytes=int(sum(sizes)), requests=len(sizes), **seen)


@pytest.fixture
def measure(chromium: Browser) -> Callable[..., Look]:
    """Looks at a page for the first time (nothing kept) on a slow phone.

    What is not ``timed`` is only weighed, and as quickly as the machine can.
    """

    def first_look(
        address: str, cookies: list[dict[str, str]], language: str = "en", *, timed: bool = True
    ) -> Look:
        context = chromium.new_context(
            viewport={"width": 390, "height": 844}, service_workers="block", locale=language
        )
        context.add_cookies(cookies)
        context.add_init_script(f"({WATCH})()")
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("Network.enable")
        if timed:
            cdp.send("Network.emulateNetworkConditions", SLOW_4G)
            cdp.send("Emulation.setCPUThrottlingRate", {"rate": CPU_TIMES})
        try:
            return _measure(page, cdp, address, timed=timed)
        finally:  # or its page would go on asking while the next one is timed
            context.close()

    return first_look


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The hospital's portal: its address, a session, a full first page and one referral's id."""
    with a_hospital(tmp_path_factory.mktemp("portal")) as hospital:
        ids = [
            lay(
                hospital,
                f"For {n} days I have had a fever and a cough. Is it flu?",
                waited=timedelta(n),
            )
            for n in range(1, 26)
        ]
        make = lambda _address: create_hospital(hospital.settings, hospital)  # noqa: E731
        with served(make, lifespan="off") as address:
            token = hospital.accounts.sign_in("ana", PASSWORD)
            cookies = [{"name": "caretier_portal", "value": token, "url": address}]
            yield {"address": address, "cookies": cookies, "referral": ids[0]}


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The patient's client: its address and an unlocked session."""
    import httpx

    folder: Path = tmp_path_factory.mktemp("device")
    with a_device(folder) as here:
        make = lambda _address: create_device(here.settings, here)  # noqa: E731
        with served(make, lifespan="off") as address:
            form = {"person": PERSON, "passphrase": PASSWORD}
            reply = httpx.post(f"{address}/unlock", data=form)
            value = reply.cookies["caretier_device"]
            cookies = [{"name": "caretier_device", "value": value, "url": address}]
            for what in ("record", "results"):  # loads what a start loads
                httpx.get(f"{address}/api/{what}", cookies=reply.cookies, timeout=120)
            yield {
                "address": address,
                "cookies": cookies,
                "speak": lambda language: here.members[PERSON].set_profile({"language": language}),
            }
