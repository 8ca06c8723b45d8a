"""A migrated database for each test: SQLite, and PostgreSQL where one is given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from services.fhir.store import FhirStore
from services.store.database import Database

POSTGRES_URL = os.environ.get("CARETIER_TEST_POSTGRES_URL", "")
BACKENDS = ["sqlite", *(["postgresql"] if POSTGRES_URL else [])]


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database with the tables of the FHIR store."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path}/fhir.sqlite3")
        opened.migrate("services.fhir")
        yield opened
        opened.close()
        return
    name = f"caretier_{uuid4().hex}"
    server = create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(POSTGRES_URL).set(database=name)
    opened = Database(url.render_as_string(hide_password=False))
    opened.migrate("services.fhir")
    yield opened
    opened.close()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture
def store(database: Database) -> FhirStore:
    """Return a store over the empty database."""
    return FhirStore(database)


@pytest.fixture(scope="session")
def bulk_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bulk export: the one that is given, else one made from the sandbox."""
    root = os.environ.get("CARETIER_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data"
    given = Path(root) / "synthea-10"
    if given.is_dir():
        return given
    import json

    from services.fhir.sandbox import generate

    made = tmp_path_factory.mktemp("bulk")
    for resource in generate():
        file = made / f"{resource['resourceType']}.000.ndjson"
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(resource) + "\n")
    return made
