"""Canaries: marked words go in by every way there is, and each sink holds what it may and no more.

The words, the ways in and the sinks stand in ``support/canary.py``. A place where a word may be is
also one where it must be found: so the test is seen to look where things are.
"""

from __future__ import annotations

import asyncio
import base64

import pytest
from support.canary import MARKS, leaked, travel

from patient_app.vault import KdfParameters, vault

pytestmark = pytest.mark.timeout(900)  # the journey is made once, by whichever test comes first
SINKS = (
    *(
        "device files",
        "clinic files",
        "hospital files",
        "audit",
        "logs",
        "metrics and descriptions",
    ),
    *("problems", "caches", "device backup", "clinic backup", "hospital backup"),
    *("device-clinic wire", "clinic-hospital wire", "clinic engine", "hospital engine", "queue"),
    *("screens", "desk"),
)
MAY: dict[tuple[str, str], str] = {
    ("words", "desk"): "the reader whom the preview named; in the database it is sealed",
    ("words", "clinic engine"): "the clinic answers the first question",
    ("words", "hospital engine"): "the hospital drafts for the second question",
    ("words", "screens"): "the patient's own preview",
    ("reply", "desk"): "the clinician's own words; in the database they are sealed",
    ("reply", "screens"): "the patient reads the reply",
    ("chat", "hospital engine"): "the hospital's own engine answers the hospital's own program",
    ("fhir", "hospital files"): "the hospital's record",
    ("fhir", "hospital backup"): "a copy of the record",
    ("fhir", "screens"): "the answer to the program that looked it up",
}
"""Where a word may be, and why; everything else is a leak."""
SENSITIVE = ("logs", "queue", "audit", "device-clinic wire", "clinic-hospital wire", "problems")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory, node_of, deidentifier):
    folder = tmp_path_factory.mktemp("canary")
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARETIER_ANCHORS", str(folder / "data" / "device" / "anchors"))
        patch.setattr(vault, "KdfParameters", lambda: cheap)
        return asyncio.run(travel(folder, node_of, deidentifier))


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("way", list(MARKS))
def test_a_sink_holds_nothing_of_a_way_in_but_where_it_is_meant_for_it(evidence, way, sink):
    found = leaked(evidence[sink], *MARKS[way])
    assert bool(found) == ((way, sink) in MAY), (way, sink, found)


def test_every_sink_was_looked_at(evidence):
    assert evidence.keys() == set(SINKS)


@pytest.mark.parametrize("sink", SENSITIVE)
def test_a_sink_that_must_hold_nothing_is_not_simply_empty(evidence, sink):
    assert len(evidence[sink]) > 200


def test_a_task_is_given_the_id_of_a_job_and_nothing_else(evidence):
    bodies = [line for line in evidence["queue"].splitlines() if line.startswith(b"[[")]
    assert bodies
    assert all(b'["open:' in body or b'["' in body for body in bodies)
    assert all(len(body) < 250 for body in bodies)


def test_no_key_of_a_person_or_passphrase_is_in_a_log_or_on_the_wire(evidence):
    for sink in ("logs", "device-clinic wire", "clinic-hospital wire", "queue", "audit"):
        assert leaked(evidence[sink], "correct horse", "a long password") == []


@pytest.mark.parametrize(
    "content",
    [
        b"x Zephyrine y",
        b"x zephyrine y",
        b"ZEPHYRINE",
        b"Zephyrine".hex().encode(),
        "Zephyrine".encode("utf-16-le"),
        *(base64.b64encode(b"x" * n + b"I am Zephyrine Quackenbush") for n in range(3)),
        base64.urlsafe_b64encode(b"..Zephyrine.."),
        b"name=Zephyrine%20Q",
    ],
)
def test_the_search_itself_sees_a_word_in_any_spelling(content):
    assert leaked(content, "Zephyrine") == ["Zephyrine"]


def test_the_search_itself_sees_no_word_that_is_not_there():
    assert leaked(b"Zephyr in the marmalad e", "Zephyrine", "marmalade") == []
