"""Fetching a chosen model: from what the site has, by its digest, or not at all."""

from __future__ import annotations

import hashlib

import pytest

from compliance.errors import BadInputError
from services.advisor.catalogue import Catalogue, ModelFile
from services.advisor.errors import ModelSourceError
from services.advisor.fetch import PARTS, SUMS, Shelves, brick_id
from services.bricks.errors import BrickUntrustedError
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed

MODEL = Catalogue.load().model("llama-3.2-1b-instruct")
CONTENT = b"GGUF" + bytes(range(256)) * 40
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
FILE = ModelFile(form="Q4_K_M", size=len(CONTENT), name="m.gguf", repository="a/b", digest=DIGEST)
UNKNOWN = FILE.model_copy(update={"digest": None})


@pytest.fixture
def site(tmp_path):
    """The site's own folder of models."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "m.gguf").write_bytes(CONTENT)
    return folder


@pytest.fixture
def shelves(tmp_path, site):
    return Shelves(tmp_path / "models", source=str(site))


def test_the_embedded_model_is_in_place_already(tmp_path):
    model = Catalogue.load().model("smollm2-135m-instruct")
    got = Shelves(tmp_path).fetch(model, model.file())
    assert got.moved == 0
    assert got.digest == model.file().digest


def test_a_file_of_the_sites_folder_comes_with_its_digest(shelves, tmp_path):
    got = shelves.fetch(MODEL, FILE)
    assert got.path == tmp_path / "models" / "m.gguf"
    assert got.path.read_bytes() == CONTENT
    assert got.moved == len(CONTENT)
    assert not list((tmp_path / "models" / PARTS).iterdir())


def test_what_is_here_is_not_fetched_again(shelves):
    shelves.fetch(MODEL, FILE)
    assert shelves.fetch(MODEL, FILE).moved == 0


def test_another_file_in_its_place_is_said_and_left_alone(shelves, tmp_path):
    other = tmp_path / "models" / "m.gguf"
    other.parent.mkdir()
    other.write_bytes(b"something else")
    with pytest.raises(ModelSourceError, match="not what its digest says"):
        shelves.fetch(MODEL, FILE)
    assert other.read_bytes() == b"something else"


def test_a_changed_file_is_refused_and_nothing_is_put_in_place(shelves, site, tmp_path):
    (site / "m.gguf").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(BrickUntrustedError):
        shelves.fetch(MODEL, FILE)
    assert not (tmp_path / "models" / "m.gguf").exists()


def test_a_file_far_longer_than_it_is_to_be_is_not_even_begun(shelves, site):
    (site / "m.gguf").write_bytes(CONTENT * 2)
    with pytest.raises(ModelSourceError, match="far too many"):
        shelves.fetch(MODEL, FILE)


def test_without_a_digest_nothing_is_taken(shelves):
    with pytest.raises(ModelSourceError, match=r"digest of m\.gguf is not known") as raised:
        shelves.fetch(MODEL, UNKNOWN)
    assert "--digest" in raised.value.advice


def test_the_operators_digest_counts_where_the_catalogue_knows_none(shelves):
    assert shelves.fetch(MODEL, UNKNOWN, DIGEST).digest == DIGEST


def test_so_does_the_list_of_digests_beside_the_files(shelves, site):
    (site / SUMS).write_text(f"{DIGEST[7:]}  m.gguf\n{'0' * 64} *other.gguf\nnonsense\n")
    assert shelves.fetch(MODEL, UNKNOWN).digest == DIGEST


def test_that_list_never_overrules_the_catalogue(shelves, site):
    (site / "m.gguf").write_bytes(b"GGUF" + bytes(len(CONTENT) - 4))
    forged = hashlib.sha256((site / "m.gguf").read_bytes()).hexdigest()
    (site / SUMS).write_text(f"{forged}  m.gguf\n")
    with pytest.raises(BrickUntrustedError):
        shelves.fetch(MODEL, FILE)


def test_a_broken_download_goes_on_where_it_stopped(shelves, tmp_path):
    part = tmp_path / "models" / PARTS / f"{DIGEST[7:]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:4000])
    assert shelves.fetch(MODEL, FILE).moved == len(CONTENT) - 4000


@pytest.fixture
def offer(tmp_path, site):
    """Puts the model into the node's store as versions of a brick."""
    store = BrickStore(tmp_path / "data" / "bricks")

    def put(version, content=CONTENT):
        (site / "m.gguf").write_bytes(content)
        fields = {
            "id": brick_id(MODEL),
            "version": version,
            "kind": "model",
            "title": "A model",
            "level": "clinic",
            "domain": "medicine",
            "licence": "CC0",
            "created": "2026-01-01T00:00:00Z",
            "lineage": {"operation": "made"},
        }
        store.make(fields, {"m.gguf": (site / "m.gguf", "model")})
        return Installed(store.folder)

    return put


def test_a_model_among_the_nodes_bricks_is_taken_from_there(tmp_path, offer):
    offer(1)
    got = Shelves(tmp_path / "models", data=tmp_path / "data").fetch(MODEL, FILE)
    assert got.came_from == "the node's bricks"
    assert got.path.read_bytes() == CONTENT


def test_a_model_that_was_taken_back_is_never_chosen_among_the_bricks(tmp_path, offer):
    offer(1).revoke({f"{brick_id(MODEL)}@1": "It was unsafe."})
    with pytest.raises(ModelSourceError) as raised:
        Shelves(tmp_path / "models", data=tmp_path / "data").fetch(MODEL, FILE)
    assert "@1 was taken back: It was unsafe." in raised.value.message
    assert not (tmp_path / "models" / "m.gguf").exists()


def test_where_only_its_latest_version_was_taken_back_the_one_before_is_chosen(tmp_path, offer):
    offer(1, b"GGUF first")
    offer(2, b"GGUF second")
    offer(3, b"GGUF third").revoke({f"{brick_id(MODEL)}@3": "It was unsafe."})
    got = Shelves(tmp_path / "models", data=tmp_path / "data").fetch(MODEL, UNKNOWN)
    assert got.path.read_bytes() == b"GGUF second"


def test_a_model_in_place_that_was_taken_back_is_not_used(tmp_path, offer):
    shelves = Shelves(tmp_path / "models", data=tmp_path / "data")
    installed = offer(1)
    shelves.fetch(MODEL, FILE)
    installed.revoke({f"{brick_id(MODEL)}@1": "It was unsafe."})
    with pytest.raises(ModelSourceError, match="not to be used"):
        shelves.fetch(MODEL, FILE)


def test_where_nothing_has_it_what_to_copy_where_is_said_to_the_digest(tmp_path):
    with pytest.raises(ModelSourceError) as raised:
        Shelves(tmp_path / "models").fetch(MODEL, FILE)
    assert all(
        part in raised.value.advice
        for part in (FILE.url, DIGEST, str(tmp_path / "models" / "m.gguf"))
    )


def test_what_the_nodes_repository_answered_is_said(tmp_path, capsys):
    for name in ("metadata", "trust"):
        (tmp_path / "data" / "mirror" / name).mkdir(parents=True)
    (tmp_path / "data" / "mirror" / "trust" / "root.json").write_text("{}")
    with pytest.raises(ModelSourceError, match="The node's repository:"):
        Shelves(tmp_path / "models", data=tmp_path / "data").fetch(MODEL, FILE)
    assert not capsys.readouterr().out


def test_where_the_digest_is_not_known_that_is_said_too(tmp_path):
    with pytest.raises(ModelSourceError) as raised:
        Shelves(tmp_path / "models").fetch(MODEL, UNKNOWN)
    assert "not known here" in raised.value.advice


@pytest.mark.parametrize(
    "place", ["https://[", "https://a:b", "http://example.org", "/no/such/folder", "ftp://x"]
)
def test_a_source_that_is_neither_folder_nor_https_is_refused(tmp_path, place):
    with pytest.raises(BadInputError):
        Shelves(tmp_path, source=place).fetch(MODEL, FILE)


def test_a_server_that_does_not_answer_is_a_sentence(tmp_path):
    with pytest.raises(ModelSourceError, match="does not answer"):
        Shelves(tmp_path, source="https://127.0.0.1:9").fetch(MODEL, FILE)
