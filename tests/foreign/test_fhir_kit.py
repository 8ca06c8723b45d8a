"""npm's ``fhir-kit-client`` against the FHIR API."""

from __future__ import annotations


def test_it_reads_searches_writes_and_follows_pages(here, node_script):
    key = here.key("system/*.cruds")
    total = here.hospital.records.search("Observation", patient="p01").total
    seen = node_script("kit.mjs", here.fhir, key)
    assert seen == {
        "fhirVersion": "4.0.1",
        "token": f"{here.address}/oauth/token",
        "read": "p01",
        "observations": total,
        "posted": "searchset",
        "created": "final",
        "updated": "amended",
        "patched": "corrected",
        "first": "final",
        "history": 3,
        "gone": 410,
        "transaction": ["201 Created"],
        "everything": True,
    }
