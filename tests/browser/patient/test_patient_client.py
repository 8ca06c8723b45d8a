"""What a patient meets in the browser: urgency first, sources, consent before anything leaves."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect
from support.looks import in_looks

from tests.browser.patient.home import sound

pytestmark = pytest.mark.browser

ROUTINE = ("triage", {"level": "routine", "rule": None, "advice": None, "source": None})
EMERGENCY = {
    "level": "emergency",
    "rule": "chest-pain",
    "advice": "Call 911 now. Chew aspirin 325 mg if you are not allergic.",
    "source": "AHA",
}
SIDE_BY_SIDE = 1024
"""From this width on the sources stand open beside the answer."""
EVIL = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
CITATIONS = [
    {"id": "k#1", "title": "Colds", "source": "MedlinePlus", "url": "https://example.org/colds",
     "date": "2026-09-01", "quote": "Most colds go away in 7 to 10 days."},
    {"id": "Condition/1", "title": "Asthma", "source": "Your record", "url": None,
     "date": "2020-02-03", "quote": "Asthma since 2020"},
]  # fmt: skip
SENTENCES = [
    {"text": "Most colds go away in 7 to 10 days.", "citations": ["k#1"]},
    {"text": "Your record says asthma.", "citations": ["Condition/1", "k#1"]},
]
PREVIEW = {
    "preview_id": "pv/1",
    "reason": "No source on this device covers it.",
    "disclosure": {
        "receipt": None,
        "text": "Asks [NAME_1] about [NAME_10].",
        "destination": "Riverside Clinic",
        "readers": ["Assistant", "Clinicians on duty"],
        "placeholders": {"[NAME_1]": "Dr. Sample", "[NAME_10]": "Ben"},
        "bytes": 1412,
    },
}


def sentences_and_sources(said):
    return said(sentences=SENTENCES, citations=CITATIONS, confidence=0.9)


@in_looks
def test_an_emergency_shows_the_call_button_first_and_clear_of_the_composer(stage, said, look):
    says = stage.see(look)
    stage.open()
    final = said(status="emergency", triage=EMERGENCY, text=EMERGENCY["advice"])
    page = stage.ask("chest pain", ("triage", EMERGENCY), ("answer", final))
    call = says("answer.call", number="911")
    button = page.get_by_role("link", name=call)
    expect(button).to_have_attribute("href", "tel:911")
    box, composer = button.bounding_box(), page.locator("#composer").bounding_box()
    assert box["height"] >= 48
    assert box["y"] > 56
    assert box["y"] + box["height"] < composer["y"]
    banner = page.get_by_role("alert")
    assert banner.inner_text().index(call) < banner.inner_text().index("aspirin")
    # The advice stands once, and nobody is asked to wait for a clinic.
    expect(page.get_by_text("Chew aspirin")).to_have_count(1)
    expect(page.get_by_role("button", name=says("offer.also"))).to_have_count(0)
    assert sound(page, "emergency", look) == []


@pytest.mark.parametrize(
    ("advice", "country", "numbers"),
    [
        ("Call 911 now.", "MX", ["tel:911"]),
        ("Call 112.", "US", ["tel:112"]),
        ("Call or text 988, or 911.", "US", ["tel:911", "tel:988"]),
        ("Poison help: 1-800-222-1222.", "US", ["tel:911", "tel:18002221222"]),
        ("Llame ya a emergencias.", "ES", ["tel:112"]),
        ("Seek help now.", "ZZ", ["tel:112"]),
        # no match: doses are not numbers to call
        ("Do not take more than 112 mg.", "GB", ["tel:999"]),
        (None, "AU", ["tel:000"]),
    ],
)
def test_the_number_to_call_is_the_advices_own_or_the_countrys(
    stage, said, advice, country, numbers
):
    stage.replies["GET /api/profile"] = {"language": "en", "country": country}
    triage = {**EMERGENCY, "advice": advice}
    stage.open()
    stage.page.wait_for_load_state("networkidle")
    page = stage.ask(
        "help", ("triage", triage), ("answer", said(status="emergency", triage=triage))
    )
    links = page.locator(".banner--emergency a.button")
    expect(links).to_have_count(len(numbers))
    assert [link.get_attribute("href") for link in links.all()] == numbers


@in_looks
def test_an_answer_shows_sentences_with_markers_sources_confidence_and_receipt(stage, said, look):
    says = stage.see(look)
    stage.open()
    page = stage.ask(
        "colds?", ROUTINE, ("delta", SENTENCES[0]), ("answer", sentences_and_sources(said))
    )
    expect(page.locator(".answer__text p")).to_have_count(2)
    assert page.locator(".cite").all_inner_texts() == ["1", "2", "1"]
    expect(page.get_by_text(says("confidence.high"))).to_be_visible()
    by = says("answer.by", tier=says("tier.device"))
    expect(page.locator(".receipt")).to_contain_text(by)
    expect(page.locator(".receipt")).to_contain_text(says("answer.nothing_left"))
    if look.width < SIDE_BY_SIDE:
        page.locator(".sources summary").click()
    link = page.get_by_role("link", name="Colds")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    dated = says("citation.dated", date="").strip()
    expect(page.locator(".citation").nth(0)).to_contain_text(dated)
    # A fact of one's own record has the day itself.
    expect(page.locator(".citation").nth(1)).not_to_contain_text(dated)
    assert sound(page, "answer", look) == []


def test_a_source_named_again_and_again_keeps_its_number_and_the_next_has_the_next(stage, said):
    stage.open()
    answer = said(sentences=[SENTENCES[0], SENTENCES[0], SENTENCES[1]], citations=CITATIONS)
    page = stage.ask("colds?", ROUTINE, ("answer", answer))
    expect(page.locator(".answer__text p")).to_have_count(3)
    assert page.locator(".cite").all_inner_texts() == ["1", "1", "2", "1"]


def test_a_marker_unfolds_the_sources_and_moves_the_focus_to_its_own(stage, said):
    stage.open()
    page = stage.ask("colds?", ROUTINE, ("answer", sentences_and_sources(said)))
    page.get_by_role("link", name="Source 2").click()
    expect(page.locator(".citation").nth(1)).to_be_focused()


def test_markup_in_an_answer_stays_text(stage, said):
    hostile = said(
        text=EVIL,
        sentences=[{"text": EVIL, "citations": ["x"]}],
        citations=[
            {**CITATIONS[0], "id": "x", "title": EVIL, "quote": EVIL, "url": "javascript:1"}
        ],
    )
    stage.open()
    page = stage.ask(EVIL, ROUTINE, ("delta", hostile["sentences"][0]), ("answer", hostile))
    page.get_by_text("1 source", exact=True).click()
    expect(page.locator(".citation__title")).to_have_text(EVIL)
    expect(page.locator(".citation a")).to_have_count(0)
    assert page.locator(".thread img, .thread script").count() == 0
    assert page.evaluate("window.hit") is None


def test_the_question_carries_token_conversation_and_the_local_switch(stage, said):
    stage.open()
    stage.page.get_by_role("switch").check(force=True)
    page = stage.ask("one", ROUTINE, ("answer", said()))
    expect(page.locator(".receipt")).to_have_count(1)
    expect(page.get_by_role("button", name="Ask my clinic")).to_have_count(0)
    stage.ask("two", ROUTINE, ("answer", said()))
    expect(page.locator(".receipt")).to_have_count(2)
    first, second = stage.bodies("POST /api/ask")
    assert first["local_only"] is True
    assert first["conversation"] == second["conversation"]
    assert all(
        headers["x-csrf-token"] == "token"
        for name, headers, _ in stage.sent
        if not name.startswith("GET")
    )


def test_a_cut_stream_is_said_to_be_incomplete_and_can_be_asked_again(stage, said):
    stage.open()
    page = stage.ask("colds?", ROUTINE, ("delta", SENTENCES[0]))
    expect(page.get_by_role("alert")).to_contain_text("cut short")
    stage.replies["POST /api/ask"] = "event: answer\ndata: " + json.dumps(said())
    stage.replies["POST /api/ask"] += "\n\n"
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".receipt")).to_be_visible()
    expect(page.locator(".exchange")).to_have_count(1)


def test_a_problem_in_the_stream_shows_what_happened_and_what_to_do(stage):
    stage.open()
    problem = {
        "type": "x",
        "title": "Engine",
        "detail": "The model stopped.",
        "remedy": "Ask again.",
    }
    page = stage.ask("colds?", ROUTINE, ("problem", problem))
    expect(page.get_by_role("alert")).to_contain_text("The model stopped.")
    expect(page.get_by_role("alert")).to_contain_text("Ask again.")


def test_an_abstention_says_so_once_and_gives_no_confidence(stage, said):
    stage.open()
    page = stage.ask("x", ROUTINE, ("answer", said(status="abstained", text="No source on this.")))
    expect(page.get_by_text("No source on this.")).to_have_count(1)
    expect(page.locator(".confidence")).to_have_count(0)


def _offered(stage, said):
    stage.open()
    page = stage.ask("my kidneys?", ROUTINE, ("answer", said(status="abstained", offer=PREVIEW)))
    page.get_by_role("button", name="Show me what would be sent").click()
    return page


def test_the_preview_shows_exactly_what_would_leave_and_to_whom(stage, said):
    page = _offered(stage, said)
    dialog = page.get_by_role("dialog", name="Send this question?")
    expect(page.locator("#offer-text")).to_have_text("Asks [NAME_1] about [NAME_10].")
    expect(page.locator("#offer-text mark")).to_have_text(["[NAME_1]", "[NAME_10]"])
    for words in ("Riverside Clinic", "Assistant, Clinicians on duty", "1.4 kB", "Dr. Sample"):
        expect(dialog).to_contain_text(words)
    expect(page.locator("#offer-text")).to_be_focused()
    expect(page.get_by_role("checkbox")).not_to_be_checked()


@pytest.mark.parametrize("way", ["button", "escape", "close"])
def test_nothing_is_sent_unless_the_person_says_send(stage, said, way):
    page = _offered(stage, said)
    if way == "escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name={"button": "Do not send", "close": "Close"}[way]).click()
    expect(page.get_by_text("Nothing was sent.")).to_be_visible()
    expect(page.get_by_role("button", name="Show me what would be sent")).to_be_focused()
    assert not [name for name, _, _ in stage.sent if name.startswith("POST /api/send")]


def test_a_preview_that_was_declined_is_made_anew_and_never_sent_later(stage, said):
    page = _offered(stage, said)
    page.get_by_role("button", name="Do not send").click()
    stage.replies["POST /api/preview"] = {**PREVIEW, "preview_id": "pv2"}
    stage.replies["POST /api/send/pv2"] = said(status="queued", text="")
    page.get_by_role("button", name="Show me what would be sent").click()
    page.locator("#offer-send").click()
    expect(page.locator(".exchange .banner")).to_contain_text("Waiting to be sent")
    assert stage.bodies("POST /api/preview")[0]["text"] == "my kidneys?"


@pytest.mark.parametrize("remember", [True, False])
def test_sending_says_whether_to_remember_and_then_waits_for_the_reply(stage, said, remember):
    gone = {**PREVIEW["disclosure"], "receipt": "r1"}
    stage.replies["POST /api/send/pv/1"] = said(status="queued", text="", disclosure=gone)
    stage.replies["GET /api/consults/c1"] = {
        "id": "c1", "asked": "2026-11-20T10:00:00Z", "question": "q",
        "answer": said(tier="clinic", disclosure=gone, sentences=SENTENCES, citations=CITATIONS),
    }  # fmt: skip
    page = _offered(stage, said)
    if remember:
        page.get_by_role("checkbox").check()
    page.locator("#offer-send").click()
    expect(page.locator(".receipt")).to_contain_text("waits to go to Riverside Clinic")
    assert stage.bodies("POST /api/send/pv/1") == [{"remember": remember}]
    expect(page.locator(".receipt")).to_contain_text("Answered by your clinic", timeout=9000)
    expect(page.locator(".receipt a")).to_have_attribute("href", "/ledger#r-r1")


def test_the_ledger_shows_the_exact_text_as_text(stage):
    entry = {
        "receipt": "r1", "consult": "c1", "time": "2026-11-19T08:02:00Z", "state": "sent",
        "destination": "Riverside Clinic", "readers": ["A"], "text": EVIL, "bytes": 900,
    }  # fmt: skip
    older = {**entry, "receipt": "r0", "time": "2026-10-01T08:02:00Z", "state": "answered"}
    stage.replies["GET /api/ledger"] = {"entries": [older, entry]}
    page = stage.open("/ledger#r-r0")
    expect(page.locator(".leaves").first).to_have_text(EVIL)
    assert page.locator(".ledger > li").evaluate_all("all => all.map(one => one.id)") == [
        "r-r1", "r-r0",
    ]  # fmt: skip
    assert page.evaluate("window.hit") is None


def test_the_record_says_first_what_bears_on_safety(stage):
    def fact(text, warning=False, date="2024-01-02"):
        return {"id": "X/1", "text": text, "date": date, "warning": warning}

    stage.replies["GET /api/record"] = {
        "summary": [
            {"kind": "appointments", "items": [fact("12 December, Riverside Clinic")]},
            {"kind": "results", "items": [fact("HbA1c 7.9 %", date="2019")]},
            {"kind": "allergies",
             "items": [fact("Dust", date="2019-03"), fact("Penicillin", True)]},
        ],
        "about": {"name": "Rosa Lima", "born": "1956-03-05"},
    }  # fmt: skip
    page = stage.open("/record")
    expect(page.locator("#summary h2")).to_have_text(["Allergies", "Results", "Appointments"])
    expect(page.locator("#summary > p")).to_have_text(
        "This is the record of Rosa Lima, born Mar 5, 1956."
    )
    expect(page.locator(".fact").first).to_contain_text("Penicillin")
    days = page.locator(".fact .nowrap").all_inner_texts()
    assert days == ["Jan 2, 2024", "March 2019", "2019", "Jan 2, 2024"]


@in_looks
def test_a_record_is_brought_in_as_it_is_and_a_refusal_is_explained(stage, look):
    says = stage.see(look)
    stage.replies["GET /api/record"] = {"summary": []}
    stage.replies["POST /api/record"] = {"imported": 1}
    page = stage.open("/record")
    file = {"name": "me.ndjson", "mimeType": "text/plain", "buffer": b'{"resourceType":"Patient"}'}
    page.set_input_files("#file", file)
    page.click("#import-button")
    expect(page.locator("#import-result")).to_have_text(says("record.imported.one", count=1))
    expect(page.locator(".toast")).to_have_text(says("record.imported.one", count=1))
    _, headers, body = next(one for one in stage.sent if one[0] == "POST /api/record")
    assert headers["content-type"] == "application/fhir+ndjson"
    assert body == '{"resourceType":"Patient"}'
    stage.replies["POST /api/record"] = (422, {"detail": "This is not FHIR.", "remedy": "Other."})
    page.set_input_files("#file", file)
    page.click("#import-button")
    refused = page.locator("#import-result").get_by_role("alert")
    expect(refused).to_contain_text(says("record.not_taken_do"))
    refused.locator("summary").click()
    expect(refused.get_by_text("This is not FHIR.")).to_be_visible()
    assert sound(page, "import", look) == []


def _settings(stage):
    stage.replies["GET /api/consent"] = {
        "consents": [
            {"id": "k1", "destinations": ["Riverside Clinic"], "standing": True,
             "granted": "2026-10-01T10:00:00Z", "expires": None, "withdrawn": None},
            {"id": "k0", "destinations": ["Old Clinic"], "standing": True,
             "granted": "2025-10-01T10:00:00Z", "expires": "2026-01-01T00:00:00Z",
             "withdrawn": None},
        ]
    }  # fmt: skip
    return stage.open("/settings")


@in_looks
def test_a_consent_is_withdrawn_after_one_question(stage, look):
    says = stage.see(look)
    page = _settings(stage)
    stage.replies["POST /api/consent/k1/withdraw"] = {}
    expect(page.get_by_text(says("settings.consent_expired"))).to_be_visible()
    page.get_by_role("button", name=says("settings.withdraw")).click()
    expect(page.get_by_role("dialog")).to_contain_text("Riverside Clinic")
    assert sound(page, "withdraw", look) == []
    page.get_by_role("dialog").get_by_role("button", name=says("settings.withdraw")).click()
    expect(page.get_by_text(says("settings.withdrawn"), exact=True)).to_be_visible()
    assert [name for name, _, _ in stage.sent if "withdraw" in name] == [
        "POST /api/consent/k1/withdraw"
    ]


@in_looks
def test_a_consent_is_given_for_one_purpose_to_one_place_for_a_time(stage, look):
    says = stage.see(look)
    page = _settings(stage)
    stage.replies["POST /api/consent"] = {}
    page.locator("[data-purpose=learning] [data-allow]").click()
    page.select_option("#allow-to", "clinic")
    page.select_option("#allow-days", "90")
    assert sound(page, "allow", look) == []
    page.get_by_role("dialog").get_by_role("button", name=says("settings.allow")).click()
    expect(page.locator(".toast")).to_have_text(says("settings.allowed"))
    given = {"purpose": "learning", "destinations": ["clinic"], "days": 90}
    assert stage.bodies("POST /api/consent") == [given]


@in_looks
def test_erasing_needs_the_typed_word(stage, look):
    says = stage.see(look)
    page = _settings(stage)
    stage.replies["POST /api/erase"] = {}
    page.click("#erase")
    confirm = page.locator("#erase-confirm")
    expect(page.locator("#erase-word")).to_be_focused()
    expect(confirm).to_be_disabled()
    word = says("settings.erase_word")
    page.fill("#erase-word", word[:-1])
    expect(confirm).to_be_disabled()
    page.fill("#erase-word", f" {word.title()} ")
    assert sound(page, "erase", look) == []
    confirm.click()
    page.wait_for_url("**/unlock")
    assert stage.bodies("POST /api/erase") == [{"confirm": "erase"}]


@in_looks
def test_a_profile_is_saved_with_a_country_chosen_by_its_name(stage, look):
    says = stage.see(look)
    page = _settings(stage)
    stage.replies["PUT /api/profile"] = {}
    expect(page.locator("#country")).to_have_value("US")
    page.select_option("#country", label={"en": "Mexico", "es": "México"}[look.language])
    page.fill("#born", "1956-03-05")
    page.click("#save")
    expect(page.locator(".toast")).to_have_text(says("settings.saved"))
    assert sound(page, "profile", look) == []
    sent = stage.bodies("PUT /api/profile")[0]
    assert (sent["country"], sent["born"]) == ("MX", "1956-03-05")


def test_interests_are_sent_as_a_list_and_the_small_model_is_told_about(stage):
    page = _settings(stage)
    stage.replies["PUT /api/profile"] = {}
    stage.replies["GET /api/personal"] = {
        "adapter": {
            "trained": "2026-11-01T10:00:00Z", "examples": 24, "before": 0.2, "after": 0.5
        }
    }  # fmt: skip
    page.fill("#interests", " sleep,  asthma ,")
    page.check("#learn")
    page.click("#save")
    state = page.locator("#adapter-state")
    expect(state).to_contain_text("24 questions. It foresaw 50 %")
    assert stage.bodies("PUT /api/profile")[0]["interests"] == ["sleep", "asthma"]
    stage.replies["DELETE /api/personal/adapter"] = {"forgotten": True}
    stage.replies["GET /api/personal"] = {"adapter": None}
    page.click("#adapter-forget")
    expect(state).to_have_text("Nothing has been learned yet.")


def test_suggestions_take_the_place_of_the_examples_and_are_put_into_the_field(stage):
    stage.replies["GET /api/personal/suggestions"] = {
        "suggestions": [{"question": "How is asthma treated?", "topic": "asthma"}]
    }
    page = stage.open("/")
    page.get_by_role("button", name="How is asthma treated?").click()
    expect(page.locator("#question")).to_have_value("How is asthma treated?")
    assert stage.bodies("POST /api/ask") == []


def test_notes_stand_below_the_sentences_as_text(stage, said):
    notes = [{"kind": "unit", "text": "39 °C is 102.2 °F."}, {"kind": "word", "text": "<b>x</b>"}]
    stage.open("/")
    page = stage.ask("fever", ("answer", said(notes=notes)))
    listed = page.get_by_role("list", name="Units and words").get_by_role("listitem")
    expect(listed).to_have_text(["39 °C is 102.2 °F.", "<b>x</b>"])


def test_the_chosen_theme_holds_from_page_to_page(stage):
    page = _settings(stage)
    page.select_option("#theme", "dark")
    stage.open("/")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 22, 21)"


def test_history_finds_without_accents_and_opens_the_consult_it_was_asked_for(stage, said):
    def consult(name, question):
        return {"id": name, "asked": "2026-11-20T10:00:00Z", "question": question, "answer": said()}

    stage.device.language = "es"
    stage.replies["GET /api/consults"] = {
        "consults": [consult("c1", "¿Qué es la presión?"), consult("c2", "¿Tengo gripe?")]
    }
    page = stage.open("/history#q-c2")
    expect(page.locator("#q-c2 .receipt")).to_contain_text("Nada salió de su dispositivo")
    page.fill("#search", "PRESION")
    expect(page.locator(".consult")).to_have_count(1)


def test_a_session_that_ran_out_leads_to_the_passphrase_and_back(stage):
    stage.replies["GET /api/ledger"] = (401, {"detail": "locked"})
    stage.open("/ledger")
    stage.page.wait_for_url("**/unlock?next=/ledger")


def test_the_first_tab_stop_skips_to_the_content(stage):
    page = stage.open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


PARSE = """async (cuts) => {
  const { events } = await import("/static/caretier/sse.js");
  const bytes = new TextEncoder().encode(cuts.text);
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += cuts.size) {
        controller.enqueue(bytes.slice(at, at + cuts.size));
      }
      controller.close();
    },
  });
  const found = [];
  for await (const one of events(body)) found.push([one.event, one.data]);
  return found;
}"""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_stream_is_read_alike_wherever_it_is_cut(stage, size, end):
    page = stage.open("/unlock")
    lines = [": hello", "event: delta", "data: año", "data:two", "", "data: 3", "", "data: cut", ""]
    text = end.join(lines[:-1]) + end + end
    found = page.evaluate(PARSE, {"text": text, "size": size})
    assert found == [["delta", "año\ntwo"], ["message", "3"], ["message", "cut"]]


def test_what_a_clinician_signed_is_shown_whole_and_as_theirs(stage, said):
    stage.open()
    signed = said(
        tier="hospital",
        text="Most colds go away in 7 to 10 days.\n\nBut come in if you cough blood.",
        sentences=SENTENCES[:1],
        citations=CITATIONS[:1],
        confidence=1.0,
        experts=["clinician"],
        trace=[{"step": "sign", "ms": 0.0, "detail": {"by": "Dr. Sample", "at": "2026-11-21"}}],
    )
    page = stage.ask("my cold", ROUTINE, ("answer", signed))
    expect(page.get_by_text("But come in if you cough blood.")).to_be_visible()
    expect(page.get_by_text("Written and signed by Dr. Sample.")).to_be_visible()
    # No model is credited, and no figure judges what a person wrote.
    expect(page.get_by_text("Model:")).to_have_count(0)
    expect(page.get_by_text("supported by its sources")).to_have_count(0)
