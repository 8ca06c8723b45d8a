"""What a step leaves when it dies, or wakes too late, changes nothing."""

from __future__ import annotations

import os

import pytest

from services.learning.rounds import FencedOffError, State
from services.learning.rounds.collect import SECONDS
from tests.support.rounds import DOMAIN


class Died(BaseException):
    """The process ends here."""


def begun(parent, states=1):
    ids = parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(states):
        parent.rounds.advance(id_)
    return id_, ids


def test_a_death_between_the_file_and_the_row_leaves_the_step_to_be_done_again(parent, monkeypatch):
    id_, _ = begun(parent)
    write = parent.rounds.files.write_candidate

    def dying(*given):
        digest, put = write(*given)

        def put_and_die(session):
            put(session)
            raise Died

        return digest, put_and_die

    monkeypatch.setattr(type(parent.rounds.files), "write_candidate", staticmethod(dying))
    with pytest.raises(Died):
        parent.rounds.advance(id_)
    row = parent.rounds.book.get(id_)
    assert (row.state, row.candidate) == (State.AGGREGATING, None)
    monkeypatch.undo()
    assert parent.rounds.advance(id_) == State.EVALUATING
    assert parent.rounds.files.holds(id_, parent.rounds.book.get(id_).candidate)


def test_an_attempt_that_wakes_too_late_does_not_replace_the_candidate(parent):
    id_, ids = begun(parent)
    late = parent.rounds.book.take(id_)
    slow = parent.rounds.combining(late, parent.rounds.policy.of(DOMAIN), lambda _text: None)
    parent.withdraw(ids[0])
    parent.contribute("site-9")
    parent.rounds.advance(id_)  # fails, with too few left
    assert parent.rounds.retry(id_) == State.COLLECTING
    for state in (State.AGGREGATING, State.EVALUATING):
        assert parent.rounds.advance(id_) == state
    with pytest.raises(FencedOffError):
        parent.rounds.book.move(late, slow)
    row = parent.rounds.book.get(id_)
    assert parent.rounds.files.holds(id_, row.candidate)
    assert row.candidate != slow.values["candidate"]
    assert list(parent.rounds.files.of(id_).glob("*.part")) == []


def test_a_contribution_that_kills_its_check_twice_is_put_aside(parent, monkeypatch):
    parent.contribute("site-3")
    id_, ids = begun(parent, 0)
    module = "services.learning.rounds.collect"

    def checked(path, *_given, **_more):
        if path.stem == ids[0]:
            raise Died
        return type("Manifest", (), {"id": path.stem})

    monkeypatch.setattr(f"{module}.check_contribution", checked)
    # an exception takes the mark away, a death does not
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_given, **_more: None)
    for _ in range(2):
        with pytest.raises(Died):
            parent.rounds.advance(id_)
        mark = parent.rounds.files.of(id_) / "checking" / ids[0]
        os.utime(mark, (0, mark.stat().st_mtime - 2 * SECONDS))
    assert parent.rounds.advance(id_) == State.AGGREGATING
    aside = parent.contribution(ids[0])
    assert (aside.state, aside.reason) == ("quarantined", "crashed-the-check")


def test_what_is_damaged_or_no_longer_enrolled_is_refused_by_name(parent):
    extra = [parent.contribute(f"site-{n}") for n in (7, 8)]
    id_, ids = begun(parent, 0)
    path = parent.rounds.files.contribution(extra[0])
    raw = bytearray(path.read_bytes())
    raw[-2] ^= 1
    path.write_bytes(raw)
    del parent.keys[parent.contribution(extra[1]).key]
    assert parent.rounds.advance(id_) == State.AGGREGATING
    assert [parent.contribution(one).reason for one in extra] == [
        "digest-mismatch",
        "unknown-signer",
    ]
    assert [parent.contribution(one).state for one in ids] == ["used"] * 3
