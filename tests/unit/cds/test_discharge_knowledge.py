"""Instructions to take home are quoted from the knowledge of now, not from that of the start."""

from __future__ import annotations

from support.packs import topic

from services.bricks.knowledge import Knowledge
from services.hospital.cds.discharge import _library


def knowledge(*topics):
    return Knowledge.of("hospital", ((t, t.head.id) for t in topics))


def test_a_topic_that_was_taken_back_is_quoted_no_more():
    gout = topic("gout", what="Gout is a swelling of a joint.", when_to_seek_care="Call soon.")
    now = [knowledge(gout)]
    books = _library(lambda: now[0])
    assert books().quote("condition", "Gout", 50) is not None
    assert books() is books()  # made once
    now[0] = knowledge(topic("acne"))
    assert books().quote("condition", "Gout", 50) is None
