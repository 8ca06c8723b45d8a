"""The repository over HTTP: for enrolled nodes, in part, and never anything beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Header
from fastapi.testclient import TestClient
from support.brick_repository import World

from compliance.errors import CaretierError
from services.bricks.manifest import BrickFile, BrickManifest
from services.bricks.repository.publish import publish
from services.bricks.routes import bricks_router
from services.web.app import create_app


class Unenrolled(CaretierError):  # noqa: N818 - it stands for the house's own
    kind, status = "not-authenticated", 401


async def only_nodes(authorization: str = Header("")) -> str:
    if authorization != "Bearer node":
        raise Unenrolled("The call carries no token.")
    return "node"


@pytest.fixture
def app(world: World) -> FastAPI:
    app = create_app("test", ready=dict, hosts=("testserver",))
    app.include_router(bricks_router(world.repository.layout.folder, only_nodes))
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, headers={"authorization": "Bearer node"}) as client:
        yield client


@pytest.fixture
def manifest(world: World) -> BrickManifest:
    manifest = world.brick()
    publish(world.repository, world.store, world.ring(), manifest.ref)
    return manifest


def large(manifest: BrickManifest) -> BrickFile:
    return next(file for file in manifest.files if file.name == "large.bin")


def address(file: BrickFile) -> str:
    return f"/bricks/targets/blobs/{file.digest.removeprefix('sha256:')}"


def test_everything_that_a_client_asks_for_is_served(
    world: World, client: TestClient, manifest: BrickManifest
) -> None:
    layout = world.repository.layout
    for path in sorted(p for p in layout.folder.rglob("*") if p.is_file() and p.name != ".lock"):
        answer = client.get(f"/bricks/{path.relative_to(layout.folder)}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_stranger_gets_nothing(app: FastAPI, manifest: BrickManifest) -> None:
    stranger = TestClient(app)
    for path in ("/bricks/metadata/timestamp.json", address(large(manifest)), "/bricks/targets/x"):
        assert stranger.get(path).status_code == 401


@pytest.mark.parametrize(
    ("wanted", "content", "said"),
    [
        ("bytes=0-4", b"never", "bytes 0-4/1400"),
        ("bytes=1390-", b"r changes ", "bytes 1390-1399/1400"),
        ("bytes=-3", b"es ", "bytes 1397-1399/1400"),
    ],
)
def test_a_part_of_a_file_is_served_so_that_a_download_can_go_on(
    client: TestClient, manifest: BrickManifest, wanted: str, content: bytes, said: str
) -> None:
    answer = client.get(address(large(manifest)), headers={"range": wanted})
    assert (answer.status_code, answer.content) == (206, content)
    assert answer.headers["content-range"] == said


def test_a_part_beyond_the_end_is_refused(client: TestClient, manifest: BrickManifest) -> None:
    answer = client.get(address(large(manifest)), headers={"range": "bytes=1400-"})
    assert answer.status_code == 416


def test_a_download_begins_anew_when_the_file_is_another(
    client: TestClient, manifest: BrickManifest
) -> None:
    file = large(manifest)
    headers = {"range": "bytes=5-", "if-range": f'"{file.digest.removeprefix("sha256:")}"'}
    assert client.get(address(file), headers=headers).status_code == 206
    headers["if-range"] = '"another"'
    assert client.get(address(file), headers=headers).status_code == 200


def test_only_the_timestamp_is_asked_for_again(client: TestClient) -> None:
    timestamp = client.get("/bricks/metadata/timestamp.json")
    assert timestamp.headers["cache-control"] == "no-cache"
    assert "immutable" in client.get("/bricks/metadata/1.root.json").headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "metadata/..%2f.lock",
        "metadata/%2e%2e/.lock",
        "metadata/root.json",
        "metadata/0.root.json",
        "metadata/1.root.json%00",
        "metadata/1.root.json%0a",
        "targets/../.lock",
        "targets/..%2f..%2fonline",
        "targets//etc/passwd",
        "targets/%2fetc%2fpasswd",
        "targets/blobs/..",
        "targets/blobs/" + "A" * 64,
        "targets/blobs/" + "0" * 64,
        "targets/blobs/" + "0" * 64 + "%0a",
        "targets/device/general/../../blobs",
        "targets/",
    ],
)
def test_nothing_beside_the_repository_is_served(
    world: World, client: TestClient, manifest: BrickManifest, path: str
) -> None:
    (world.repository.layout.folder / ".lock").write_text("secret")
    answer = client.get(f"/bricks/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_link_is_not_followed(world: World, client: TestClient) -> None:
    secret = world.folder / "secret"
    secret.write_text("secret")
    (world.repository.layout.targets / "blobs").mkdir(parents=True, exist_ok=True)
    (world.repository.layout.targets / "blobs" / ("0" * 64)).symlink_to(secret)
    assert client.get(f"/bricks/targets/blobs/{'0' * 64}").status_code == 404


def test_where_there_is_no_repository_yet_nothing_is_found(empty: World) -> None:
    app = create_app("test", ready=dict, hosts=("testserver",))
    app.include_router(bricks_router(empty.repository.layout.folder, only_nodes))
    client = TestClient(app, headers={"authorization": "Bearer node"})
    assert client.get("/bricks/metadata/timestamp.json").status_code == 404
