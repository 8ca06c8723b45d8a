"""A FHIR store for a whole module of tests, on SQLite or on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from services.fhir.store import FhirStore
from services.store.database import Database


@contextmanager
def fresh_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FhirStore]:
    """Yield an empty store; the fixture's parameter says on which database."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/fhir.db")
        database.migrate("services.fhir")
        yield FhirStore(database)
        database.close()
        return
    url, name = make_url(request.getfixturevalue("postgres")), f"f{uuid4().hex}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    database = Database(url.set(database=name).render_as_string(hide_password=False))
    database.migrate("services.fhir")
    yield FhirStore(database)
    database.close()
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    server.dispose()
