"""A store from before there were versions: everything gets its place and its history begins."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text

from services.fhir._history import Asked
from services.fhir.store import FhirStore
from services.store.migrate import _config

OLD = """
INSERT INTO fhir_resource (type, id, version, updated, digest, body)
VALUES ('Basic', :id, 3, :updated, 'x', :body)
"""


def body(identity):
    return '{"resourceType":"Basic","id":"' + identity + '","code":{"text":"x"}}'


def test_resources_of_before_keep_their_versions_and_get_places(empty_database):
    with empty_database.transaction() as session:
        command.upgrade(_config(session.connection(), "services.fhir"), "0001")
    with empty_database.transaction() as session:
        for number, identity in enumerate(("late", "early")):
            updated = f"202{5 - number}-01-01T00:00:00.000Z"
            row = {"id": identity, "updated": updated, "body": body(identity)}
            session.execute(text(OLD), row)
    empty_database.migrate("services.fhir")
    store = FhirStore(empty_database)
    page = store.history(Asked())
    assert [(v.id, v.version, v.sequence) for v in page.versions] == [
        ("late", 3, 2),
        ("early", 3, 1),
    ]
    store.put(body("late").replace('"x"', '"y"'))
    newest = store.history(Asked()).versions[0]
    assert (newest.id, newest.version, newest.sequence) == ("late", 4, 3)
    assert store.version("Basic", "late", 3).text == body("late")


def test_a_store_can_go_back_to_before(empty_database):
    empty_database.migrate("services.fhir")
    FhirStore(empty_database).put(body("b"))
    with empty_database.transaction() as session:
        command.downgrade(_config(session.connection(), "services.fhir"), "0001")
        assert session.scalar(text("SELECT body FROM fhir_resource")) == body("b")
