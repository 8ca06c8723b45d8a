"""`caretier rounds distil` asks what people ask, and says what it lacks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from compliance.errors import NotFoundError
from services.learning.commands import app
from services.learning.distil.questions import questions_of
from services.learning.evaluate import Suites
from services.learning.models import Signal
from services.store.database import Database


@pytest.fixture
def database(tmp_path):
    folder = tmp_path / "hospital"
    folder.mkdir()
    made = Database(f"sqlite:///{folder}/hospital.db")
    made.migrate("services.learning")
    yield made
    made.close()


def signal(id_, question, days=1):
    now = datetime.now(UTC)
    return Signal(
        id=id_,
        kind="thumb",
        domain="general",
        question=question,
        consent="c",
        subject="p",
        made=now,
        expires=now + timedelta(days=days),
    )


def test_the_parent_is_asked_what_people_asked_and_no_item_of_a_suite(database):
    with database.transaction() as session:
        session.add_all(
            [
                signal("s1", "Which door is open at night?"),
                signal("s2", "Over and gone?", days=-1),
                signal("s3", "血" * 100),
            ]
        )
    asked = questions_of(database, "general")
    assert asked[0] == "Which door is open at night?"
    assert "Over and gone?" not in asked
    assert len(asked) > 40
    assert len(set(asked)) == len(asked)
    suites = [Suites().get(name) for name in ("learned", "protected", "safety", "shadow")]
    assert not {item.ask for suite in suites for item in suite.items} & set(asked)


def test_with_nothing_released_there_is_nothing_to_distil(database, tmp_path):
    with pytest.raises(NotFoundError, match="Nothing was released in general"):
        CliRunner().invoke(app, ["--data", str(tmp_path), "distil"], catch_exceptions=False)
    assert database is not None
