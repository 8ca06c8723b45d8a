"""Texts that make a pattern look at every pair of places in them: they cost no more than others.

Each is as long as what its reader takes, and would hold a processor for minutes.
"""

from __future__ import annotations

import time

import pytest

from compliance.deidentify.fhir.actions import _plain
from services.hospital.cds.names import named, of_service
from services.hospital.chart.narrative import text_of

SECONDS = 10.0
"""Of this process alone, whatever else the machine does; the quickest of them took minutes."""
LONG = 200_000
TEXTS = {
    "pictures": (of_service, "ct " * (LONG // 3)),
    "gap": (named, f"a{chr(10) * LONG}b"),
    "gaps": (named, f"a{' and' * (LONG // 4)}"),
}


@pytest.mark.parametrize(("read", "text"), TEXTS.values(), ids=TEXTS.keys())
def test_the_name_of_an_order_is_read_in_time_however_it_is_made(read, text):
    began = time.process_time()
    read({"text": text})
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("piece", ["<a ", "<a b='", '<a b="', "<!--", "<!", "<?", "</", "<script"])
@pytest.mark.parametrize("read", [text_of, _plain])
def test_a_document_of_tags_that_never_end_is_read_in_time(read, piece):
    began = time.process_time()
    read(piece * (100_000 // len(piece)))
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("read", [text_of, _plain])
@pytest.mark.parametrize("odd", ["<![ >", "<![CDATA[x]]>", "<![if lt IE 9]>", "<!x ><![", "a < b"])
def test_a_document_of_odd_markup_is_read_to_its_end(read, odd):
    said = read(f"<p>No known allergies.</p>{odd}<p>Takes warfarin.</p><script>let a</script>")
    assert "No known allergies." in said
    assert "Takes warfarin." in said
    assert "let a" not in said


def test_contrast_is_still_seen_where_a_picture_is_named_before_it():
    assert of_service({"text": "CT of the chest with IV contrast"}).generics
    assert not of_service({"text": "contrast bath"}).generics
    assert not of_service({"text": "CT of the head without contrast"}).generics


def test_a_name_is_still_parted_at_slashes_and_at_and():
    assert named({"text": "zorbin  /  quelix AND vamtol; nuprex"}).unknown
