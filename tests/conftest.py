"""What every test may use: a quiet place, databases of both kinds, and the models, loaded once.

Workflow. Nothing of a test touches the person's own folders (``quiet_place``), and no unit test
opens a socket to anywhere but this machine (``loopback_only``). A test that asks for ``database``
runs twice, on SQLite and on a PostgreSQL of our own. The heavy models are session fixtures; a test
that asks for one shares a worker with all others that do (``pytest -n 2 --dist loadgroup``).
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, make_url, text

from compliance.deidentify import Deidentifier
from services.bricks.knowledge import Knowledge
from services.bricks.retrieval import KnowledgeIndex
from services.consult.messages import Level
from services.consult.node import Node
from services.consult.triage import TriageRules
from services.engines.embed import Embedder
from services.engines.settings import models_folder
from services.fhir.sandbox import generate
from services.fhir.store import FhirStore
from services.store.database import Database
from services.web.memory import kept_for_good

sys.path.insert(0, str(Path(__file__).parent))
# Hundreds of processes are started here: none compiles again what another has compiled.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
expect.set_options(timeout=15_000)  # what a page must show by then; a busy machine is slow

HEAVY = frozenset({"embedder", "node_of", "deidentifier", "llama"})
"""Fixtures that hold a model; tests that use one run on one worker."""
PACKAGES = (
    "services.exchange",
    "services.experts",
    "services.fhir",
    "services.hospital",
    "services.learning",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that need the models together, and those of a browser that one file opens."""
    for item in items:
        if HEAVY & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("models"))
        elif "chromium" in getattr(item, "fixturenames", ()) and not item.get_closest_marker(
            "xdist_group"
        ):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage in what is loaded and collected: each time would walk through it all."""
    with kept_for_good():
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give out groups and files, see `support.schedule`."""
    from support.schedule import ByFile

    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the stack after the last test of a worker that uses it: its processes are never idle."""
    if "PYTEST_XDIST_WORKER" in os.environ and _uses_stack(item) and not _uses_stack(nextitem):
        from tests.support.stack import end_shared_stack

        end_shared_stack()


def _uses_stack(item: pytest.Item | None) -> bool:
    groups = item.iter_markers("xdist_group") if item else ()
    return any("stack" in marker.args for marker in groups)


@pytest.fixture(scope="session")
def _anchors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anchors")


@pytest.fixture(autouse=True)
def quiet_place(_anchors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep anchors of vaults out of the person's own state folder; few tests make any."""
    monkeypatch.setenv("CARETIER_ANCHORS", str(_anchors / uuid4().hex))


@pytest.fixture(autouse=True)
def loopback_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection of a unit test that would leave this machine."""
    if "unit" not in request.path.parts:
        return
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))


def _guarded(connect: Callable[..., object]) -> Callable[..., object]:
    def guarded(self: socket.socket, address: object) -> object:
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise AssertionError("A unit test tried to use the network.")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session", autouse=True)
def migrated_once() -> Iterator[None]:
    """Bring a new SQLite database to the newest revision once, and copy it from then on."""
    from support.migrated import Copies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.store.migrate.upgrade", Copies())
        yield


@pytest.fixture(scope="session", autouse=True)
def quickly() -> Iterator[None]:
    """Hash passwords and write to the disk quickly; `support.quick` says how."""
    from support.quick import quick

    with quick():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server for this session, stopped at its end."""
    from support.postgres import temporary_postgres

    with temporary_postgres() as url:
        yield url


def _make(server: str, name: str, template: str = "template0") -> str:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _drop(server: str, name: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture(scope="session")
def _migrated_postgres(postgres: str) -> str:
    database = Database(_make(postgres, "migrated"))
    database.migrate(*PACKAGES)
    database.close()
    return "migrated"


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    database.migrate(*PACKAGES)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


def _load_sandbox(url: str) -> None:
    database = Database(url)
    assert not FhirStore(database).put_many(generate()).rejected
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


@pytest.fixture(scope="session")
def _sandbox_sqlite(_migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sandbox") / "sandbox.db"
    shutil.copyfile(_migrated_sqlite, path)
    _load_sandbox(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _sandbox_postgres(postgres: str, _migrated_postgres: str) -> str:
    _load_sandbox(_make(postgres, "sandbox", _migrated_postgres))
    return "sandbox"


def _own(request: pytest.FixtureRequest, tmp_path: Path, held: str) -> Iterator[str]:
    """URL of a copy of the session's database of that name."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        shutil.copyfile(request.getfixturevalue(f"_{held}_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server, name = request.getfixturevalue("postgres"), f"t{uuid4().hex}"
    yield _make(server, name, request.getfixturevalue(f"_{held}_postgres"))
    _drop(server, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database of one's own: SQLite, then PostgreSQL."""
    yield from _own(request, tmp_path, "migrated")


@pytest.fixture(params=["sqlite", "postgresql"])
def sandbox_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database of one's own with the sandbox's record, loaded once a session."""
    yield from _own(request, tmp_path, "sandbox")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database (exchange, FHIR store, hospital) of one's own."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path}/empty.db")
        yield opened
        opened.close()
        return
    server, name = request.getfixturevalue("postgres"), f"e{uuid4().hex}"
    opened = Database(_make(server, name))
    yield opened
    opened.close()
    _drop(server, name)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """MiniLM, loaded once."""
    return Embedder.load()


@pytest.fixture(scope="session")
def triage_rules() -> TriageRules:
    """The red-flag rules, read once."""
    return TriageRules.load()


@pytest.fixture(scope="session")
def node_of(embedder: Embedder, triage_rules: TriageRules) -> Callable[[str], Node]:
    """The real node of a tier (no engine), each made once."""
    made: dict[str, Node] = {}

    def get(level: str) -> Node:
        if level not in made:
            cache = models_folder() / "knowledge"
            index = KnowledgeIndex(Knowledge.load(level), embedder, cache)
            made[level] = Node(Level(level), triage_rules, index)
        return made[level]

    return get


@pytest.fixture(scope="session")
def deidentifier() -> Deidentifier:
    """The detector, loaded once."""
    return Deidentifier.load()
