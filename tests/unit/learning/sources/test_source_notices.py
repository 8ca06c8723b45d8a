"""Feeds: what they announce is read by people; with a licence for it, their text is knowledge."""

from __future__ import annotations

import pytest

from services.learning.sources.states import State
from tests.support.knowledge_sources import feed, health_topics, label, listed, notices

OPEN = {"name": "Public domain", "terms": "https://x.example.org/", "redistribution": True,
        "reviewed": "2026-11-01"}  # fmt: skip


async def test_new_entries_of_a_feed_are_shown_once_and_become_no_knowledge(open_house, site):
    house = open_house(notices(site.origin))
    site.given["/feed.xml"] = feed("Elbow care", "Thumb care")
    row = await house.brought("guides")
    assert [one["title"] for one in house.report(row)["entries"]] == ["Elbow care", "Thumb care"]
    assert "people rest" not in str(house.report(row))  # its licence does not give us the text
    assert house.sources.people.approve(row.id, row.candidate, "ana") == State.NOTED
    site.given["/feed.xml"] = feed("Elbow care", "Thumb care", "Toe care", day="2026-11-25")
    row = await house.brought("guides")
    assert [one["title"] for one in house.report(row)["entries"]] == ["Toe care"]
    assert house.shop.store.refs() == []


@pytest.mark.parametrize("kind", ["feed", "medlineplus"])
async def test_feeds_and_topics_whose_licence_allows_it_become_knowledge(open_house, site, kind):
    house = open_house(listed(site.origin, format=kind, licence=OPEN, kind="care"))
    said = "<b>Elbow care</b> says that people rest for two days."
    site.given["/labels.json"] = (
        feed("Elbow care")
        if kind == "feed"
        else health_topics(("Elbow care", "Elbow care is rest."))
    )
    row = await house.brought()
    assert row.state == State.WAITING, (row.error, row.criteria, said)
    assert house.release(row).brick == "labels@1"


async def test_rights_in_a_feed_that_nobody_reviewed_are_another_licence(open_house, site):
    house = open_house(listed(site.origin, format="feed", licence=OPEN))
    site.given["/labels.json"] = feed("Elbow care", rights="All rights reserved")
    with pytest.raises(Exception, match="licence-changed"):
        await house.sources.fetch("labels")
    assert label()["set_id"]
