"""History: every version, the newest first, on pages that do not move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from services.fhir.validate import check


def walked(client, url):
    """Every entry of a history, page by page."""
    found = []
    while url:
        bundle = client.get(url).json()
        check({**bundle, "id": "x"})
        found += bundle.get("entry", [])
        url = next((k["url"] for k in bundle["link"] if k["relation"] == "next"), None)
    return found


def told(entry):
    return entry["request"]["method"], entry["response"]["etag"], entry.get("resource", {})


def life(client, make):
    """Five versions: created, changed, patched, deleted, made again."""
    client.put("/fhir/Patient/p", json=make.patient())
    client.put("/fhir/Patient/p", json=make.patient(active=True))
    patch = [{"op": "replace", "path": "/active", "value": False}]
    client.patch(
        "/fhir/Patient/p", json=patch, headers={"content-type": "application/json-patch+json"}
    )
    client.delete("/fhir/Patient/p")
    client.put("/fhir/Patient/p", json=make.patient(birthDate="2000-01-01"))


def test_a_history_has_every_version_as_it_was(client, make):
    life(client, make)
    found = walked(client, "/fhir/Patient/p/_history")
    assert [told(entry)[:2] for entry in found] == [
        ("PUT", 'W/"5"'),
        ("DELETE", 'W/"4"'),
        ("PATCH", 'W/"3"'),
        ("PUT", 'W/"2"'),
        ("PUT", 'W/"1"'),
    ]
    assert "resource" not in found[1]
    assert found[3]["resource"] == make.patient(active=True)
    assert found[4]["response"]["status"] == "201"


def test_a_version_is_read_as_it_was(client, make):
    life(client, make)
    for number, body in ((1, make.patient()), (2, make.patient(active=True))):
        response = client.get(f"/fhir/Patient/p/_history/{number}")
        assert response.json() == body
        assert response.headers["etag"] == f'W/"{number}"'
    assert client.get("/fhir/Patient/p/_history/4").status_code == 410
    for number in ("6", "0", "x", "1" * 40, "-1", "٣"):
        assert client.get(f"/fhir/Patient/p/_history/{number}").status_code == 404


def test_pages_stay_as_they_were_while_others_write(client, make):
    for number in range(6):
        client.put(f"/fhir/Patient/p{number}", json=make.patient(f"p{number}"))
    first = client.get("/fhir/Patient/_history?_count=4").json()
    client.put("/fhir/Patient/p0", json=make.patient("p0", active=True))
    client.delete("/fhir/Patient/p1")
    following = next(k["url"] for k in first["link"] if k["relation"] == "next")
    rest = client.get(following).json()["entry"]
    assert [e["request"]["url"] for e in first["entry"]] == [f"Patient/p{n}" for n in (5, 4, 3, 2)]
    assert [e["request"]["url"] for e in rest] == ["Patient/p1", "Patient/p0"]
    assert rest[1]["resource"] == make.patient("p0")


def test_histories_of_a_type_and_of_everything(client, make):
    life(client, make)
    made = client.post("/fhir/Observation", json=make.observation()).json()
    assert len(walked(client, "/fhir/Patient/_history?_count=2")) == 5
    everything = walked(client, "/fhir/_history?_count=2")
    assert len(everything) == 6
    assert told(everything[0]) == ("POST", 'W/"1"', made)
    assert everything[0]["request"]["url"] == "Observation"
    assert client.get("/fhir/_history?_count=0").json()["total"] == 6


def test_since_and_at_are_exact(client, make, store):
    life(client, make)
    stamps = [e["response"]["lastModified"] for e in walked(client, "/fhir/Patient/p/_history")]
    since = client.get(f"/fhir/Patient/p/_history?_since={quote(stamps[2])}").json()
    assert since["total"] == sum(stamp >= stamps[2] for stamp in stamps)
    future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    past = (datetime.now(UTC) - timedelta(days=400)).date().isoformat()
    ask = lambda query: client.get(f"/fhir/Patient/p/_history?{query}").json()["total"]  # noqa: E731
    assert ask(f"_since={quote(future)}") == 0
    assert ask(f"_at={quote(future)}") == 1  # what is current now will be then
    assert ask(f"_at={past}") == 0
    assert ask(f"_at={stamps[0][:4]}") == 5


def test_a_history_refuses_what_it_does_not_understand(client, make):
    client.put("/fhir/Patient/p", json=make.patient())
    for query in ("_since=yesterday", "_at=x", "_count=many", "_list=1", "_since=", "_page=x"):
        assert client.get(f"/fhir/Patient/p/_history?{query}").status_code == 400, query
    assert client.get("/fhir/Patient/nobody/_history").status_code == 404
    assert client.get("/fhir/Nonsense/_history").status_code == 404


def test_what_was_purged_is_in_no_history(client, make, store):
    life(client, make)
    client.put("/fhir/Observation/o", json=make.observation(id="o"))
    client.put("/fhir/Observation/o", json=make.observation(id="o", status="amended"))
    client.put("/fhir/Observation/moved", json=make.observation(id="moved"))
    client.put("/fhir/Observation/moved", json=make.observation("Patient/q", id="moved"))
    assert store.purge("p") == 5 + 2 + 1
    assert client.get("/fhir/_history").json()["total"] == 1
    assert client.get("/fhir/Patient/p").status_code == 404
    assert client.get("/fhir/Observation/moved/_history").json()["total"] == 1
    assert client.get("/fhir/Observation?patient=p").json()["total"] == 0
