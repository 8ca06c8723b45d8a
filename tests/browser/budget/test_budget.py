"""The first view of each page: its weight, its speed on a slow phone, and that nothing jumps.

Weight and shifts are held strictly. Times are held at three times the goal, for other work on the
machine that runs the tests slows a browser down; the table that is printed (``-s``) has them all.
"""

from __future__ import annotations

import sys

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("budget")]
MAX_BYTES = 100_000
GOAL_MS, LONG_MS, SLACK = 1000, 200, 3
PORTAL = ["/portal/sign-in", "/portal/", "/portal/referrals/{referral}", "/portal/patients/p07"]
DEVICE = ["/unlock", "/", "/history", "/record", "/ledger", "/settings"]
MORE_PORTAL = [
    *(f"/portal/{page}" for page in ("notices", "phrases", "account", "patients")),
    *(f"/portal/patients/p07/{part}" for part in ("trends", "timeline", "ask", "documents")),
    *(f"/portal/system{tab}" for tab in ("", "/nodes", "/queues", "/rounds", "/versions")),
    "/portal/updates", "/portal/knowledge",
]  # fmt: skip
MORE_DEVICE = ["/results", "/medicines", "/visits", "/family"]
HEAVIEST = 3
"""So many pages of each client are timed in Spanish too: whose words are the longest."""


def within(looks):
    """What is over the budget, in words; prints the table."""
    sys.stdout.write("\npage                         kB  n    FCP    LCP   long  shift\n")
    over = []
    for name, look in looks.items():
        sys.stdout.write(f"{look.row(name)}\n")
        over += [f"{name}: {look.bytes} bytes"] if look.bytes > MAX_BYTES else []
        over += [f"{name}: moves {look.shift}: {look.shifts}"] if look.shift > 0 else []
        slow = max(look.fcp, look.lcp)
        over += [f"{name}: shown after {slow:.0f} ms"] if slow > GOAL_MS * SLACK else []
        long = look.longest
        over += [f"{name}: a task of {long:.0f} ms"] if long > LONG_MS * SLACK else []
    return over


def in_spanish(measure, client, paths):
    """Each page weighed in Spanish, and the heaviest timed."""
    address, looks = client["address"], {}

    def cookies(path):
        return [] if path in {"/unlock", "/portal/sign-in"} else client["cookies"]

    for path in paths:
        at = address + path.format(**client)
        looks[path] = measure(at, cookies(path), "es", timed=False)
    heaviest = sorted(looks, key=lambda path: looks[path].bytes)[-HEAVIEST:]
    for path in heaviest:
        looks[path] = looked(measure, address + path.format(**client), cookies(path), "es")
    return looks


def looked(measure, address, cookies, language="en"):
    """The first view; a late one again, up to three in all: the machine may be busy with others.

    The best time of all counts, and the worst shift.
    """
    looks = []
    for _ in range(3):
        looks.append(measure(address, cookies, language))
        if max(looks[-1].fcp, looks[-1].lcp) <= GOAL_MS and looks[-1].longest <= LONG_MS:
            break
    best = min(looks, key=lambda one: max(one.fcp, one.lcp))
    best.shift = max(one.shift for one in looks)
    best.long = min((one.long for one in looks), key=lambda long: max(long, default=0))
    return best


def test_the_first_view_of_the_portal_keeps_its_budget(portal, measure):
    address, looks = portal["address"], {}
    for path in PORTAL:
        cookies = [] if path.endswith("sign-in") else portal["cookies"]
        looks[path] = looked(measure, address + path.format(**portal), cookies)
    assert within(looks) == []


def test_the_first_view_of_the_patients_client_keeps_its_budget(device, measure):
    address, looks = device["address"], {}
    for path in DEVICE:
        cookies = [] if path == "/unlock" else device["cookies"]
        looks[path] = looked(measure, address + path, cookies)
    assert within(looks) == []


def test_every_page_of_the_portal_keeps_its_weight_in_spanish(portal, measure):
    assert within(in_spanish(measure, portal, [*PORTAL, *MORE_PORTAL])) == []


def test_every_page_of_the_patients_client_keeps_its_weight_in_spanish(device, measure):
    device["speak"]("es")
    try:
        assert within(in_spanish(measure, device, [*DEVICE, *MORE_DEVICE])) == []
    finally:
        device["speak"]("en")
