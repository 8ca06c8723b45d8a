"""The recovery code over the device's API: offered, kept when it is on paper, used, taken away."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from patient_app.app import create
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.tries import TRIES
from patient_app.vault import RecoveryCode, Vault, WrongPassphraseError

NOW = "four unrelated plain words"
NEW = "violet lantern over nine hills"


@pytest.fixture
def device(tmp_path):
    made = Device(DeviceSettings(data=tmp_path / "device"))
    yield made
    for person in list(made.members):
        made.lock(person)


class Browser:
    """A browser at the device; `csrf` is of its session."""

    def __init__(self, app) -> None:
        transport = httpx.ASGITransport(app)
        self.line = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def form(self, path, **fields):
        return await self.line.post(path, data=fields)

    async def begin(self, name="Ana"):
        page = (await self.line.get("/family")).text
        token = re.search(r'name="csrf" content="([^"]*)"', page)
        csrf = token.group(1) if token else ""
        form = {"label": name, "passphrase": NOW, "again": NOW, "csrf": csrf}
        assert (await self.form("/start/you", **form)).status_code == 303

    async def unlock(self, person, passphrase=NOW):
        return (await self.form("/unlock", person=person, passphrase=passphrase)).status_code

    async def call(self, method, path, body=None):
        page = (await self.line.get("/settings")).text
        token = re.search(r'name="csrf" content="([^"]+)"', page).group(1)
        return await self.line.request(method, path, json=body, headers={"x-csrf-token": token})

    async def made(self, **body):
        """Let a code be made and type the right group back."""
        offered = (await self.call("POST", "/api/recovery/code")).json()
        body["typed"] = offered["groups"][offered["group"] - 1].lower()
        reply = await self.call("PUT", "/api/recovery/code", body)
        return "-".join(offered["groups"]), reply.status_code

    async def recover(self, person, code, passphrase=NEW):
        form = {"person": person, "code": code, "passphrase": passphrase, "again": passphrase}
        return (await self.form("/recover", **form)).status_code


@pytest.fixture
async def app(device):
    return create(device.settings, device)


@pytest.fixture
async def browser(app):
    here = Browser(app)
    await here.begin()
    yield here
    await here.line.aclose()


@pytest.fixture
async def other(app):
    here = Browser(app)
    yield here
    await here.line.aclose()


async def test_on_the_first_day_a_code_takes_no_passphrase_and_opens_the_record(
    device, browser, other
):
    code, status = await browser.made()
    assert status == 200
    (person,) = device.people()
    assert await other.recover(person, code.lower().replace("-", " ")) == 303
    assert (await other.line.get("/api/profile")).status_code == 200
    assert (await browser.line.get("/api/profile")).status_code == 401
    assert await browser.unlock(person, NEW) == 303
    assert await browser.unlock(person, NOW) == 401
    assert await other.recover(person, code, NOW) == 401  # it is used up


async def test_a_code_that_was_only_shown_opens_nothing(device, browser, other):
    offered = (await browser.call("POST", "/api/recovery/code")).json()
    (person,) = device.people()
    assert await other.recover(person, "-".join(offered["groups"])) == 401
    body = {"typed": "ZZZZZ"}
    assert (await browser.call("PUT", "/api/recovery/code", body)).status_code == 422
    assert await other.recover(person, "-".join(offered["groups"])) == 401
    assert not device.members[person].vault.has_recovery_code


async def test_without_an_offer_there_is_nothing_to_keep(browser):
    reply = await browser.call("PUT", "/api/recovery/code", {"typed": ""})
    assert (reply.status_code, reply.json()["detail"]) == (
        422,
        "There is no new recovery code.",
    )


async def test_on_a_later_day_it_takes_the_passphrase(device, browser):
    (person,) = device.people()
    assert await browser.unlock(person) == 303
    assert (await browser.made())[1] == 422
    assert (await browser.made(now="not that one"))[1] == 422
    assert not device.members[person].vault.has_recovery_code
    assert (await browser.made(now=NOW))[1] == 200


async def test_a_second_code_takes_the_passphrase_and_makes_the_first_void(device, browser, other):
    first, _ = await browser.made()
    assert (await browser.made())[1] == 422
    second, status = await browser.made(now=NOW)
    assert status == 200
    (person,) = device.people()
    assert await other.recover(person, first) == 401
    assert await other.recover(person, second) == 303


async def test_a_code_is_taken_away_with_the_passphrase_alone(device, browser, other):
    code, _ = await browser.made()
    (person,) = device.people()
    wrong = await browser.call("POST", "/api/recovery/code/remove", {"now": "not that one"})
    assert wrong.status_code == 422
    assert device.members[person].vault.has_recovery_code
    done = await browser.call("POST", "/api/recovery/code/remove", {"now": NOW})
    assert done.json() == {"removed": True}
    assert await other.recover(person, code) == 401


async def test_guesses_at_the_passphrase_are_counted_here_too(device, browser):
    (person,) = device.people()
    await browser.unlock(person)
    tries = [(await browser.made(now="not that one"))[1] for _ in range(TRIES + 1)]
    assert tries == [*[422] * TRIES, 429]


async def test_the_guesses_of_others_do_not_keep_out_whoever_has_the_code(device, browser, other):
    code, _ = await browser.made()
    (person,) = device.people()
    guesses = [await other.unlock(person, "wrong") for _ in range(TRIES + 1)]
    assert guesses[-1] == 429
    assert await other.recover(person, code) == 303


async def test_a_plain_passphrase_does_not_use_the_code_up(device, browser, other):
    code, _ = await browser.made()
    (person,) = device.people()
    assert await other.recover(person, code, "password123456") == 422
    assert await other.recover(person, code) == 303


@pytest.mark.parametrize("person", ["nobody", "", "../device"])
async def test_a_code_for_nobody_looks_like_a_wrong_one(browser, other, person):
    assert await other.recover(person, RecoveryCode.new().text) == 401


async def test_making_using_and_removing_are_on_the_trail_without_the_code(device, browser):
    first, _ = await browser.made()
    (person,) = device.people()
    assert await browser.recover(person, first) == 303
    second, status = await browser.made()
    assert status == 200
    await browser.call("POST", "/api/recovery/code/remove", {"now": NEW})
    trail = device.audit.path.read_text("utf-8")
    for change in ("recovery-code", "passphrase-by-recovery-code", "recovery-code-removed"):
        assert json.dumps(change) in trail or change in trail
    for code in (first, second):
        assert not any(group in trail for group in code.split("-"))


async def test_what_cannot_be_written_down_does_not_use_the_code_up(device, browser, other):
    code, _ = await browser.made()
    (person,) = device.people()
    trail = device.audit.path.read_bytes()
    device.lock(person)
    device.audit.path.unlink()
    assert await other.recover(person, code) == 503
    assert person not in device.members
    device.audit.path.write_bytes(trail)
    with pytest.raises(WrongPassphraseError):
        Vault.open(device.settings.vaults / person, NEW)
    Vault.open(device.settings.vaults / person, RecoveryCode.read(code)).close()


async def test_it_reminds_once_and_not_on_the_first_day(device, browser):
    asked = 'action="/recovery/later"'
    assert asked not in (await browser.line.get("/")).text
    (person,) = device.people()
    await browser.unlock(person)
    page = (await browser.line.get("/")).text
    assert asked in page
    token = re.search(r'name="csrf" content="([^"]+)"', page).group(1)
    assert (await browser.form("/recovery/later", csrf="guess")).status_code == 403
    assert asked in (await browser.line.get("/")).text
    assert (await browser.form("/recovery/later", csrf=token)).status_code == 303
    assert asked not in (await browser.line.get("/")).text
    await browser.unlock(person)
    assert asked not in (await browser.line.get("/")).text


async def test_who_has_a_code_is_not_reminded_until_it_is_used_up(device, browser):
    code, _ = await browser.made()
    (person,) = device.people()
    await browser.unlock(person)
    assert 'action="/recovery/later"' not in (await browser.line.get("/")).text
    await browser.recover(person, code)
    await browser.unlock(person, NEW)
    assert 'action="/recovery/later"' in (await browser.line.get("/")).text


async def test_the_page_asks_for_the_passphrase_only_where_it_is_needed(device, browser):
    field = 'id="code-passphrase"'
    for path in ("/recovery", "/start/recovery"):
        assert field not in (await browser.line.get(path)).text
    await browser.made()
    assert field in (await browser.line.get("/recovery")).text
    (person,) = device.people()
    await browser.unlock(person)
    assert field in (await browser.line.get("/recovery")).text


async def test_another_person_on_the_device_is_not_touched(device, browser, other):
    code, _ = await browser.made()
    (ana,) = device.people()
    await browser.begin("Bo")
    (bo,) = set(device.people()) - {ana}
    assert await other.recover(bo, code) == 401
    assert await other.recover(ana, code) == 303
    assert (await browser.line.get("/api/profile")).status_code == 200
