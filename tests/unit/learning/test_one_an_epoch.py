"""A node has one contribution in an epoch: the database itself holds that, on both kinds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import select, text

from services.learning.errors import ContributionRefusedError
from services.learning.intake import ContributionDesk, desk
from services.learning.models import StoredContribution
from services.learning.trust import Trust
from services.store.migrate import _config
from tests.support.rounds import DOMAIN, Parent, contribute

MADE = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def parent(tmp_path, empty_database):
    made = Parent(tmp_path, url=empty_database.engine.url.render_as_string(hide_password=False))
    yield made
    made.close()


def test_a_process_that_did_not_see_the_others_contribution_is_refused_by_name(parent, monkeypatch):
    id_ = parent.contribute("site-0")
    key = parent.keys[parent.contribution(id_).key]
    rounds = parent.rounds
    taking = ContributionDesk(rounds, Trust(parent.database), lambda *_given: None)
    with parent.database.transaction() as session:
        session.get_one(StoredContribution, id_).state = "refused"
    second = contribute(parent.database, rounds, key, "site-0", seed=5)
    path = taking.place()
    rounds.files.contribution(second).replace(path)
    with parent.database.transaction() as session:  # as it was before the second came
        session.delete(session.get_one(StoredContribution, second))
        session.get_one(StoredContribution, id_).state = "waiting"
    monkeypatch.setattr(desk, "_held", lambda *_given: False)
    with pytest.raises(ContributionRefusedError) as caught:
        taking.take(path, "x", key.public.fingerprint)
    assert caught.value.reason == "replayed"
    assert not rounds.files.contribution(second).exists()


def test_of_several_that_are_there_already_the_migration_leaves_the_newest(empty_database):
    with empty_database.transaction() as session:
        command.upgrade(_config(session.connection(), "services.learning"), "0001")
    with empty_database.transaction() as session:
        for number in range(3):
            at = MADE + timedelta(hours=number)
            session.execute(
                text(
                    "INSERT INTO learning_contribution (id, domain, epoch, key, site, state, "
                    "manifest, bytes, received) VALUES (:id, :domain, 0, 'K', 's', 'waiting', "
                    "'{}', 1, :at)"
                ),
                {"id": f"c{number}", "domain": DOMAIN, "at": at},
            )
    empty_database.migrate("services.learning")
    with empty_database.reading() as session:
        found = session.scalars(select(StoredContribution).order_by(StoredContribution.id))
        said = [(one.state, one.reason) for one in found]
    assert said == [("refused", "superseded"), ("refused", "superseded"), ("waiting", None)]
