"""Fetching sources: conditional, bounded, patient; whatever is wrong leaves what was there."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from services.learning.sources.errors import SourceAwayError, SourceRefusedError
from services.learning.sources.fetch import retry_after
from services.learning.sources.snapshot import Part
from services.web.outbound import OutboundRefusedError
from tests.support.knowledge_sources import NOW, label, labels, later, listed

BOMB = b"""<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;">]><health-topics date-generated="11/20/2026"><health-topic id="1"
title="&c;" language="English"><full-summary>&c;</full-summary></health-topic></health-topics>"""


async def refused(house, source="labels"):
    with pytest.raises(SourceRefusedError) as caught:
        await house.sources.fetch(source)
    return caught.value.reason


async def test_what_did_not_change_is_not_moved_again(house, site):
    assert await house.sources.fetch("labels") is not None
    assert await house.sources.fetch("labels") is None
    assert "if-none-match" in site.asked[-1][1]
    standing = house.sources.book.standing("labels")
    assert (standing.failures, standing.due) == (0, NOW + dt.timedelta(hours=24))


async def test_a_file_that_was_damaged_here_is_fetched_again_without_a_condition(house, site):
    await house.sources.fetch("labels")
    (part,) = house.sources.book.former("labels").parts
    path = house.sources.fetcher.shelf.path(part)
    path.chmod(0o600)
    path.write_bytes(b"x" * part.size)
    assert await house.sources.fetch("labels") is None
    assert "if-none-match" not in site.asked[-1][1]
    assert house.sources.fetcher.shelf.whole(part)


async def test_a_busy_source_is_left_in_peace_as_long_as_it_says(house, site):
    site.answers = [(429, {"retry-after": "7"}, b"")]
    assert await house.sources.fetch("labels") is not None
    assert house.slept == [7.0, 0.0]


async def test_a_source_that_wants_long_peace_is_asked_when_it_is_over(house, site):
    site.answers = [(503, {"retry-after": "90000"}, b"")]
    with pytest.raises(SourceAwayError):
        await house.sources.fetch("labels")
    standing = house.sources.book.standing("labels")
    assert standing.due == NOW + dt.timedelta(seconds=90000)
    assert standing.error == "It asks to be left in peace."


async def test_a_source_that_is_down_leaves_the_former_and_is_asked_ever_later(house, site):
    await house.sources.fetch("labels")
    before = house.sources.book.former("labels")
    for wait in (900, 1800):
        site.answers = [(500, {}, b"")] * 3
        with pytest.raises(SourceAwayError):
            await house.sources.fetch("labels")
        assert house.sources.book.standing("labels").due == NOW + dt.timedelta(seconds=wait)
    assert house.sources.book.former("labels") == before
    assert len(house.sources.book.listing()) == 1


async def test_an_endless_body_is_cut_off(house, site):
    site.endless = True
    assert await refused(house) == "outbound"


async def test_a_redirect_is_not_followed(house, site):
    site.answers = [(302, {"location": "http://elsewhere.example.org/labels.json"}, b"")]
    assert await refused(house) == "redirect"
    assert len(site.paths()) == 1


async def test_an_origin_that_the_operator_did_not_list_is_not_called(house, site):
    house.origins = ["http://127.0.0.1:9"]
    assert await refused(house) == "outbound"
    assert site.asked == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("openfda", b"{"),
        ("openfda", b"[]"),
        ("openfda", b"[" * 100_000),
        ("medlineplus", b"<health-topics><unclosed>"),
        ("medlineplus", b"<html></html>"),
        ("medlineplus", BOMB),
        ("feed", BOMB.replace(b"health-topics", b"feed")),
        ("feed", b"<feed><entry></feed>"),
    ],
    ids=["cut", "list", "deep", "cut-xml", "other-root", "bomb", "bomb-in-feed", "torn-feed"],
)
async def test_what_is_malformed_is_not_taken(open_house, site, kind, body):
    licence = {"name": "CC0 1.0", "terms": "https://x.example.org/", "redistribution": True}
    house = open_house(listed(site.origin, format=kind, licence=licence))
    site.given["/labels.json"] = body
    assert await refused(house) in {"malformed", "unusable"} or not _usable(house)
    assert house.sources.book.former("labels") is None


def _usable(house):
    return bool(house.sources.book.listing())


async def test_another_licence_than_was_reviewed_is_not_taken(house, site):
    await house.sources.fetch("labels")
    site.given["/labels.json"] = labels(
        label(), day="2026-11-21", licence="https://labels.example.org/pay"
    )
    assert await refused(house) == "licence-changed"
    assert "pay" in house.sources.book.standing("labels").error
    site.given["/labels.json"] = labels(label(), day="2026-11-21", licence="")
    assert await refused(house) == "licence-changed"


async def test_what_was_there_before_the_last_time_is_a_replay(house, site):
    old = site.given["/labels.json"]
    await house.sources.fetch("labels")
    site.given["/labels.json"] = labels(label(), day="2026-11-20")
    await house.sources.fetch("labels")
    site.given["/labels.json"] = old
    assert await refused(house) == "replayed"


async def test_what_is_older_than_what_is_there_is_not_taken(house, site):
    await house.sources.fetch("labels")
    site.given["/labels.json"] = labels(label("Newname"), day="2026-11-01")
    assert await refused(house) == "older"
    site.given["/labels.json"] = labels(label("Newname"), day="2027-11-01")
    assert await refused(house) == "future"


async def test_robots_are_obeyed_and_asked_for_once(open_house, site):
    house = open_house(listed(site.origin, robots="obey"))
    site.given["/robots.txt"] = b"User-agent: *\nDisallow: /labels\nCrawl-delay: 3\n"
    assert await refused(house) == "robots"
    site.given["/robots.txt"] = b"User-agent: *\nCrawl-delay: 3\nDisallow: /private\n"
    assert await house.sources.fetch("labels") is not None
    assert house.slept == [3.0]
    assert site.paths() == ["/labels.json"]


async def test_each_name_is_a_part_and_one_that_is_unknown_is_left_out(open_house, site):
    house = open_house(
        listed(site.origin, address=f"{site.origin}/l?n={{name}}", names=["zor vaxin", "no such"])
    )
    site.given["/l?n=zor%20vaxin"] = labels(label())
    await house.sources.fetch("labels")
    (part,) = house.sources.book.former("labels").parts
    assert isinstance(part, Part)
    assert part.name == "zor vaxin"
    assert site.paths()[-1] == "/l?n=no%20such"


async def test_a_dated_address_is_tried_day_by_day(open_house, site):
    house = open_house(listed(site.origin, address=f"{site.origin}/l-{{date}}.json", days_back=3))
    site.given["/l-2026-11-24.json"] = labels(label())
    await house.sources.fetch("labels")
    assert site.paths() == [f"/l-2026-11-{day}.json" for day in (26, 25, 24)]
    del site.given["/l-2026-11-24.json"]
    with pytest.raises(SourceAwayError):
        await house.sources.fetch("labels")


async def test_a_hospital_without_a_network_takes_files_from_a_folder(house, tmp_path, site):
    folder = tmp_path / "stick" / "labels"
    folder.mkdir(parents=True)
    with pytest.raises(SourceRefusedError, match="empty"):
        await house.sources.fetch("labels", folder.parent)
    (folder / "one.json").write_bytes(labels(label()))
    assert await house.sources.fetch("labels", folder.parent) is not None
    (folder / "two.json").symlink_to("/etc/hostname")
    with pytest.raises(SourceRefusedError, match="size"):
        await house.sources.fetch("labels", folder.parent)
    assert site.asked == []


async def test_files_that_nobody_needs_are_swept_away(house, site):
    for number in range(4):
        site.given["/labels.json"] = labels(label(number=number), day=f"2026-11-2{number}")
        later(house, days=1)
        row = await house.brought()
        house.sources.people.refuse(row.id, row.candidate, "ana", "Not now.")
    kept, *gone = house.sources.book.snapshots("labels")
    assert house.sources.sweep() > 0
    shelf = house.sources.fetcher.shelf
    assert shelf.whole(kept.parts[0])
    assert not shelf.whole(gone[-1].parts[0])


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("Thu, 26 Nov 2026 09:01:00 GMT", 60.0),
        ("Thu, 26 Nov 2026 08:00:00 GMT", 0.0),
        ("9" * 30, 7 * 24 * 3600.0),
        ("soon", None),
        (None, None),
    ],
    ids=["seconds", "date", "past", "ages", "words", "nothing"],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(said, seconds):
    assert retry_after(said, NOW) == seconds


async def test_a_source_is_asked_as_soon_as_the_operator_lets_it(house, site):
    def refuse(_source):
        raise OutboundRefusedError("Its origin is not listed.")

    allowed = house.sources.fetch.fetcher
    shut = replace(allowed, outbound=refuse)
    object.__setattr__(house.sources.fetch, "fetcher", shut)
    assert await refused(house) == "not-allowed"
    assert house.sources.book.standing("labels").due == NOW
    object.__setattr__(house.sources.fetch, "fetcher", allowed)
    assert await house.sources.fetch("labels") is not None
