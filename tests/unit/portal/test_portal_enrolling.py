"""An operator lets clinics in by a code and shuts them out; devices get theirs at their clinic."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

import pytest

from compliance.audit import AuditError
from services.consult.messages import Level
from services.exchange.keys import NodeKeys
from services.exchange.models import EnrolmentCode
from services.exchange.registry import Registry
from services.hospital.audited import Auditor
from services.hospital.enrolling import Enrolling
from services.hospital.models import PortalSession
from services.hospital.operations.nodes import NodeRow
from services.hospital.portal import STATIC, portal_router
from services.hospital.portal.enrolling import enrolling_pages
from services.hospital.portal.operations import operation_pages
from services.web.app import create_app
from services.web.templating import mount_static


class Still:
    """Operations that know of nodes alone."""

    def __init__(self, registry):
        self._registry = registry

    def nodes(self):
        return [
            NodeRow(n.fingerprint, n.name, n.level, n.enrolled, None, "new", (), 0, None)
            for n in self._registry.nodes()
        ]

    def checks(self):
        return []

    ehrs = checks

    def devices(self):
        return 0


@pytest.fixture
def written():
    return []


@pytest.fixture
def registry(clinic):
    return Registry(clinic.database)


@pytest.fixture
def app(clinic, registry, written):
    made, audit = create_app("Test hospital", ready=dict), Auditor(written.extend, "test")
    enrolling = Enrolling(registry, clinic.keys.fingerprint, audit.node)
    router = portal_router(
        clinic.accounts, clinic.desk, secure_cookies=False, audit_read=clinic.audit_read,
        more=(
            partial(enrolling_pages, enrolling=enrolling),
            partial(operation_pages, operations=Still(registry)),
        ),
    )  # fmt: skip
    made.include_router(router)
    mount_static(made, portal=STATIC)
    return made


@pytest.fixture
async def operator(open_browser):
    browser = open_browser()
    await browser.sign_in("op")
    return browser


@pytest.fixture
def bundle(tmp_path):
    keys = NodeKeys.load_or_create(tmp_path / "north", name="North", level=Level.CLINIC)
    return keys.bundle()


async def post(browser, what, **fields):
    return await browser.post(
        f"/portal/system/nodes/{what}", {"csrf": await browser.csrf(), **fields}
    )


def codes(clinic):
    with clinic.database.transaction() as session:
        return session.query(EnrolmentCode).count()


async def test_a_code_is_shown_once_and_lets_one_clinic_in(
    operator, clinic, registry, written, bundle
):
    page = await post(operator, "code")
    code = re.search(r'id="code">([A-Z2-7]+\.[^<]+)<', page.text)[1]
    assert page.headers["cache-control"] == "no-store"
    assert code.partition(".")[2] == clinic.keys.fingerprint
    assert "'made'" in str(written)
    assert code.partition(".")[0] not in str(written)
    assert registry.enrol(code, bundle) == bundle.identity_public().fingerprint


async def test_a_clinic_that_is_shut_out_is_written_down_and_known_no_more(
    operator, registry, written, bundle
):
    node = registry.enrol(registry.new_code(Level.CLINIC, ["PIN"]), bundle)
    answer = await post(operator, "revoke", node=node)
    assert answer.headers["location"] == "/portal/system/nodes?did=revoked"
    assert node in str(written)
    assert "is shut out" in (await operator.get(answer.headers["location"])).text
    assert registry.lookup(node) is None
    assert (await post(operator, "revoke", node=node)).status_code == 404
    assert (await post(operator, "revoke", node="nobody")).status_code == 404


async def test_a_stale_session_makes_no_code(operator, clinic):
    with clinic.database.transaction() as session:
        for one in session.query(PortalSession):
            one.proved -= timedelta(hours=1)
    assert (await post(operator, "code")).status_code in {401, 403, 409}
    assert codes(clinic) == 0
    page = (await operator.get("/portal/system/nodes")).text
    assert "/portal/account/prove?next=/portal/system/nodes" in page
    assert 'action="/portal/system/nodes/code"' not in page


@pytest.mark.parametrize("user", ["ana", "pri"])
async def test_others_than_operators_make_no_code(open_browser, clinic, user):
    browser = open_browser()
    await browser.sign_in(user)
    assert (await post(browser, "code")).status_code == 403
    assert "nodes/code" not in (await browser.get("/portal/system/nodes")).text
    assert codes(clinic) == 0


async def test_without_the_trail_there_is_no_code(operator, clinic, monkeypatch):
    def fails(*_args):
        raise AuditError("full")

    monkeypatch.setattr(Auditor, "_record", fails)
    assert (await post(operator, "code")).status_code >= 500
    assert codes(clinic) == 0
