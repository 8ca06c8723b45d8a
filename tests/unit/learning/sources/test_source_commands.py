"""`caretier rounds sources`: asking, showing and deciding at the shell, without a network."""

from __future__ import annotations

import json

import pytest
import yaml
from typer.testing import CliRunner

from compliance.errors import BadInputError, NotFoundError
from services.learning.commands import app
from services.learning.sources import opening
from services.learning.sources.catalogue import SourceList
from services.learning.sources.errors import ChangeBlockedError, SourceRefusedError
from tests.support.knowledge_sources import (
    LIMITS,
    PROTECTED,
    House,
    label,
    labels,
    listed,
    notices,
)


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A hospital's folder, and a stick with files of its source."""
    folder = tmp_path / "hospital"
    folder.mkdir()
    made = House(folder, listed())
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "anchors"))
    monkeypatch.setattr(opening, "open_sources", lambda *_args, **_more: made.sources)
    monkeypatch.setattr(opening, "Database", lambda _url: made.database)
    monkeypatch.setattr(type(made.database), "migrate", lambda _self, *_packages: None)
    stick = tmp_path / "stick" / "labels"
    stick.mkdir(parents=True)
    (stick / "one.json").write_bytes(labels(label("[bold]Odd"), label("Brimolate", 2)))
    made.stick = stick.parent
    yield made
    made.close()


def run(house, *arguments):
    command = ["--data", str(house.folder.parent), "sources", *map(str, arguments)]
    done = CliRunner().invoke(app, command)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def test_a_hospital_without_a_network_fetches_shows_and_approves(house):
    told = run(house, "fetch", "labels", "--from", house.stick)
    (row,) = house.sources.book.listing()
    assert told == f"The change is waiting; `caretier rounds sources show {row.id[:8]}` shows it.\n"
    shown = run(house, "show", row.id[:8])
    for words in ("Label Office", "[bold]Odd", "criterion", row.candidate[:20]):
        assert words in shown
    held = json.loads(run(house, "show", row.id[:8], "--json"))
    assert held["report"]["counts"]["topics_added"] == 2
    approve = ("approve", row.id[:8], "--clinician", "Ana Ruiz", "--candidate")
    with pytest.raises(ChangeBlockedError):
        run(house, *approve, "sha256:other")
    assert run(house, *approve, row.candidate) == "The change is published.\n"
    assert house.sources.book.get(row.id).by == "Ana Ruiz (at the shell)"
    assert run(house, "fetch", "labels", "--from", house.stick) == "Nothing is new.\n"
    assert "labels@1" in run(house, "list")
    trail = (house.folder / "audit" / "hospital.jsonl").read_text(encoding="utf-8")
    assert trail.count("knowledge-change") >= 3


def test_what_is_refused_stays_refused_and_what_is_unknown_is_said(house):
    run(house, "fetch", "labels", "--from", house.stick)
    (row,) = house.sources.book.listing()
    told = run(house, "refuse", row.id, "--candidate", row.candidate, "--clinician", "Ana",
               "--reason", "Not ours.")  # fmt: skip
    assert told == "The change is refused.\n"
    assert json.loads(run(house, "list", "--json"))["changes"][0]["state"] == "refused"
    for arguments in (("show", "zz"), ("fetch", "nobody")):
        with pytest.raises(NotFoundError):
            run(house, *arguments)
    (house.stick / "labels" / "one.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(SourceRefusedError, match="malformed"):
        run(house, "fetch", "labels", "--from", house.stick)


def test_the_shipped_list_is_whole_and_lets_nothing_out_before_somebody_read_the_terms():
    catalogue = SourceList.load()
    assert {one.format for one in catalogue.sources} == {"openfda", "medlineplus", "feed"}
    assert all(one.licence.reviewed is None for one in catalogue.sources)
    assert all(one.address.startswith("https://") for one in catalogue.sources)
    assert PROTECTED


@pytest.mark.parametrize(
    "entry",
    [
        listed(address="https://{name}.example.org/", names=["evil"]),
        listed(address="https://a.example.org/{port}"),
        listed(address="file:///etc/passwd"),
        listed(names=["without a place"]),
        listed(becomes="notice"),
        listed(licence=notices("http://a.example.org")["licence"]),
        listed(id="Upper"),
        listed(surprise=1),
    ],
    ids=["host", "field", "file", "names", "notice", "licence", "id", "extra"],
)
def test_a_list_that_does_not_hold_together_is_refused(tmp_path, entry):
    path = tmp_path / "sources.yaml"
    held = {"format": "caretier-sources/1", "limits": LIMITS, "sources": [entry]}
    path.write_text(yaml.safe_dump(held), encoding="utf-8")
    with pytest.raises(BadInputError):
        SourceList.load(path)
