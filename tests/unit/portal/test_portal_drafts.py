"""The draft as a clinician reads it, and attacks on the signature."""

from __future__ import annotations

import re

import pytest

from services.consult.messages import Citation, Fact, Sentence
from services.exchange.models import StoredParcel
from services.hospital.models import User

TAKES = Fact(
    id="MedicationRequest",
    kind="medicine",
    text="Your record lists warfarin 5 MG among your active medicines.",
)
SAID = (
    (TAKES.text, "MedicationRequest"),
    ("Flu is a viral infection.", "flu#what"),
    ("Ibuprofen can bring the fever down.", "flu#self-care"),
    ("Get help for trouble breathing.", "flu#when-to-seek-care"),
)


@pytest.fixture
def id_(clinic):
    """A referral whose draft has all parts, one of them against the record."""
    return clinic.refer(draft=whole(clinic), facts=(TAKES,))


def whole(clinic, *, leave_out: str = "none"):
    kept = [(text, source) for text, source in SAID if not source.endswith(leave_out)]
    return clinic.drafted(
        text=" ".join(text for text, _ in kept),
        sentences=tuple(Sentence(text=text, citations=(source,)) for text, source in kept),
        citations=tuple(
            Citation(id=source, title=source, source="Test", quote=text) for text, source in kept
        ),
    )


async def test_the_draft_stands_in_its_suggested_parts(ana, id_):
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    draft = page[page.index('id="draft-title"') :]
    heads = [
        "What the patient&#39;s record and list say",
        "Answer",
        "What to do",
        "When to seek care",
    ]
    order = [text for pair in zip(heads, (text for text, _ in SAID), strict=True) for text in pair]
    places = [draft.index(text) for text in order]
    assert places == sorted(places)


async def test_a_part_that_no_source_says_is_left_to_the_clinician(ana, clinic):
    id_ = clinic.refer(draft=whole(clinic, leave_out="when-to-seek-care"))
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "No source says this. Write it yourself, or leave it out." in page


async def test_each_sentence_is_marked_as_draft_with_its_source(ana, id_):
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    for number in range(len(SAID)):
        sentence = page.split(f'id="said-{number}"', 1)[1].split("</li>", 1)[0]
        assert "data-state>Draft<" in sentence
        assert re.search(r'href="#(?:fact-1|source-\d)"', sentence)


async def test_what_stands_against_the_draft_comes_before_it(ana, id_):
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert "The draft names ibuprofen" in page
    before = page.index("Read before you answer")
    assert before < page.index("What the patient asks") < page.index('id="draft-title"')
    body = (await ana.get(f"/portal/api/referrals/{id_}/summary")).json()
    rules = [caution["rule"]["id"] for caution in body["cautions"] if caution["sentence"] == 2]
    assert "nsaid-anticoagulant" in rules


async def test_a_sentence_of_the_reply_is_marked_until_it_is_edited(ana, id_):
    own = "Flu is a viral infection. Do not take ibuprofen."
    await ana.save(id_, own)
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert '<mark class="drafted">Flu is a viral infection.</mark> Do not take' in page
    assert "1 sentence of the draft stands in the reply, not edited." in page


async def test_a_reader_who_may_not_sign_sees_what_is_still_draft(open_browser, id_):
    browser = open_browser()
    await browser.sign_in("pri")
    page = (await browser.get(f"/portal/referrals/{id_}")).text
    assert page.count('<mark class="drafted">') == len(SAID)


async def test_the_suggested_structure_is_in_the_patients_language(ana, clinic):
    id_ = clinic.refer(draft=whole(clinic), person={"language": "es"})
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    arranged = page.split('data-arranged="', 1)[1].split('"', 1)[0]
    assert "Respuesta\n" in arranged
    assert "Cuándo buscar atención\n" in arranged


async def test_a_sentence_that_was_turned_round_is_not_cited(ana, clinic, id_):
    await ana.sign(id_, "It is not true that Flu is a viral infection.")
    assert clinic.reply(id_).citations == ()


def nothing_was_sent(clinic, id_) -> bool:
    with clinic.database.reading() as session:
        sealed = session.get_one(StoredParcel, id_).reply
    return sealed is None and clinic.desk.item(id_).state == "open"


async def test_neither_opening_nor_saving_nor_asking_sends_an_unsigned_reply(ana, clinic, id_):
    await ana.get(f"/portal/referrals/{id_}")
    await ana.save(id_, "Rest.")
    await ana.get(f"/portal/api/referrals/{id_}/summary")
    for path in (f"/portal/referrals/{id_}/sign", f"/portal/referrals/{id_}?signed=1"):
        await ana.get(path)
    assert nothing_was_sent(clinic, id_)


@pytest.mark.parametrize("field", ["user", "user_id", "signed_by", "by", "assignee", "name"])
async def test_signing_for_somebody_else_signs_as_oneself(ana, clinic, id_, field):
    bo = next(u for u in clinic.accounts.users() if u.username == "bo")
    await ana.sign(id_, "Rest.", **{field: bo.id})
    ana_id = next(u.id for u in clinic.accounts.users() if u.username == "ana")
    assert clinic.desk.item(id_).signed_by == ana_id
    assert clinic.reply(id_).trace[-1].detail["by"] == "Dr. Ana Ruiz"


async def test_a_colleagues_text_is_signed_by_whoever_signs_it(ana, open_browser, clinic, id_):
    bo = open_browser()
    await bo.sign_in("bo")
    await bo.save(id_, "By Bo.")
    await ana.sign(id_, "By Bo.", 1)
    assert clinic.reply(id_).trace[-1].detail["by"] == "Dr. Ana Ruiz"


@pytest.mark.parametrize("version", [0, 1, 3, 99])
async def test_an_older_or_invented_version_is_not_signed(ana, clinic, id_, version):
    await ana.save(id_, "First.", 0)
    await ana.save(id_, "Second.", 1)
    refused = await ana.sign(id_, "First.", version)
    assert refused.status_code == 409
    assert nothing_was_sent(clinic, id_)


async def test_a_signed_form_that_is_sent_again_changes_nothing(ana, clinic, id_):
    await ana.sign(id_, "Rest.")
    for version in (0, 1):
        assert (await ana.sign(id_, "Take twice as much.", version)).status_code == 409
        assert (await ana.save(id_, "Take twice as much.", version)).status_code == 409
    assert clinic.reply(id_).text == "Rest."


async def test_a_clinician_who_became_something_else_no_longer_signs(ana, clinic, id_):
    with clinic.database.transaction() as session:
        user = next(u for u in clinic.accounts.users() if u.username == "ana")
        session.get_one(User, user.id).role = "privacy"
    assert (await ana.sign(id_, "Rest.")).status_code == 403
    assert nothing_was_sent(clinic, id_)
