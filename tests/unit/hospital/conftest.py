"""A hospital's parts on both databases, with cheap password hashes."""

from __future__ import annotations

import pytest
from support.exchange import FailingAudit

from services.consult.messages import Level
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.hospital.accounts import Accounts


@pytest.fixture
def accounts(database):
    return Accounts(database)


@pytest.fixture(scope="session")
def hospital_keys(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("keys"), name="H", level="hospital")


@pytest.fixture
def audit():
    return FailingAudit()


@pytest.fixture
def intake(database, audit):
    return Intake(database, Level.HOSPITAL, audit)
