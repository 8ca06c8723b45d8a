/**
 * A FHIR questionnaire as fields, and what is in them as items of a QuestionnaireResponse. A field
 * is `{question, element, read(), each(visit)}`; `read` gives its items, none where it is empty.
 */

import { h, icon, randomId } from "/static/caretier/dom.js";
import { t } from "/static/caretier/i18n.js";

const answer = (link, ...values) => (values.length ? [{ linkId: link, answer: values }] : []);

function labelled(question, control, prefilled = false) {
  const optional = !question.required && h("span", { class: "soft small" }, ` ${t("visits.optional")}`);
  const mark = prefilled && h("span", { class: "badge badge--info" }, t("visits.prefilled"));
  return h("div", { class: "field", "data-link": question.link }, h("label", { for: control.id }, question.text, optional, " ", mark), control);
}

function words(question, held) {
  const long = question.type === "text";
  const control = h(long ? "textarea" : "input", { id: randomId(), class: "input", rows: long ? 4 : null, maxlength: question.longest, autocomplete: "off" });
  control.value = held[0]?.answer?.[0]?.valueString ?? "";
  const read = () => (control.value.trim() ? answer(question.link, { valueString: control.value }) : []);
  return { question, element: labelled(question, control), read };
}

function severalWords(question, held, changed) {
  const list = h("div", { class: "stack stack--s" });
  const add = (text = "") => {
    const control = h("input", { class: "input", maxlength: question.longest, autocomplete: "off", "aria-label": `${question.text} ${list.childElementCount + 1}` });
    control.value = text;
    list.append(control);
    return control;
  };
  const before = (held[0]?.answer ?? []).map((one) => one.valueString);
  for (const text of before.length ? before : [""]) add(text);
  const more = h("button", { class: "button button--small", type: "button" }, icon("plus"), t("visits.another"));
  more.addEventListener("click", () => { add().focus(); changed(); });
  const element = h("fieldset", { class: "field inquiry", "data-link": question.link }, h("legend", {}, question.text), list, h("div", {}, more));
  const read = () => answer(question.link, ...[...list.children].map((one) => one.value).filter((text) => text.trim()).map((valueString) => ({ valueString })));
  return { question, element, read };
}

/** One of several, as radio buttons; pressed again, the chosen one is let go. */
function choice(question, held, options) {
  const name = randomId();
  const chosen = held[0]?.answer?.[0];
  const rows = options.map(({ value, label, is }) => {
    const box = h("input", { type: "radio", name, id: randomId(), checked: Boolean(chosen) && is(chosen) });
    return { box, value, row: h("label", { class: "check", for: box.id }, box, h("span", {}, label)) };
  });
  const optional = !question.required && h("span", { class: "soft small" }, ` ${t("visits.optional")}`);
  const element = h("fieldset", { class: "field inquiry", "data-link": question.link }, h("legend", {}, question.text, optional), ...rows.map(({ row }) => row));
  const read = () => answer(question.link, ...rows.filter(({ box }) => box.checked).map(({ value }) => value));
  return { question, element, read };
}

function coded(question, held) {
  const options = question.options.map((option) => ({ value: { valueCoding: option }, label: option.display, is: (one) => one.valueCoding?.code === option.code }));
  return choice(question, held, options);
}

function yesOrNo(question, held) {
  const options = [true, false].map((valueBoolean) => ({ value: { valueBoolean }, label: t(valueBoolean ? "visits.yes" : "visits.no"), is: (one) => one.valueBoolean === valueBoolean }));
  return choice(question, held, options);
}

/** An entry of the record: shown, never typed. */
function entry(question, held) {
  const name = held[0]?.answer?.[0]?.valueReference?.display ?? "";
  const element = h("p", { "data-link": question.link }, h("strong", {}, name), " ", h("span", { class: "badge badge--info" }, t("visits.prefilled")));
  return { question, element, read: () => held.map(({ linkId, answer: given }) => ({ linkId, answer: given })) };
}

function inside(question, item, changed) {
  const fields = question.items.map((inner) => field(inner, (item?.item ?? []).filter((one) => one.linkId === inner.link), changed));
  return { fields, items: () => fields.filter((one) => !one.element.hidden).flatMap((one) => one.read()) };
}

function group(question, held, changed) {
  const { fields, items } = inside(question, held[0], changed);
  const element = h("fieldset", { class: "field inquiry", "data-link": question.link }, h("legend", {}, question.text), ...fields.map((one) => one.element));
  const read = () => (items().length ? [{ linkId: question.link, item: items() }] : []);
  return { question, element, read, parts: [{ fields, items }] };
}

function severalGroups(question, held, changed) {
  const listed = question.items.some((inner) => inner.type === "reference");
  const parts = [];
  const list = h("div", { class: "stack" });
  const add = (item) => {
    const part = inside(question, item, changed);
    parts.push(part);
    list.append(h("div", { class: "inquiry__one" }, ...part.fields.map((one) => one.element)));
  };
  held.forEach(add);
  if (!listed && !held.length) add(undefined);
  const more = h("button", { class: "button button--small", type: "button" }, icon("plus"), t("visits.another"));
  more.addEventListener("click", () => { add(undefined); changed(); });
  const element = h("fieldset", { class: "field inquiry", "data-link": question.link }, h("legend", {}, question.text), list, !listed && h("div", {}, more));
  if (listed && !held.length) element.classList.add("inquiry--none");
  const read = () => parts.map((part) => part.items()).filter((items) => items.length).map((item) => ({ linkId: question.link, item }));
  return { question, element, read, parts };
}

/** A field for a question with the items that answer it so far. */
export function field(question, held, changed) {
  if (question.type === "group") return (question.repeats ? severalGroups : group)(question, held, changed);
  if (question.type === "boolean") return yesOrNo(question, held);
  if (question.type === "choice") return coded(question, held);
  if (question.type === "reference") return entry(question, held);
  return question.repeats ? severalWords(question, held, changed) : words(question, held);
}

function given(items, link) {
  return items.flatMap((item) => [...(item.linkId === link ? item.answer ?? [] : []), ...given(item.item ?? [], link)]);
}

function holds(condition, scopes) {
  const found = scopes.map((items) => given(items, condition.question)).find((one) => one.length) ?? [];
  if (condition.operator === "exists") return found.length > 0 === condition.answerBoolean;
  if ("answerBoolean" in condition) return found.some((one) => one.valueBoolean === condition.answerBoolean);
  return found.some((one) => one.valueCoding?.code === condition.answerCoding?.code);
}

/** Show what is asked after the answers so far, hide the rest (`enableWhen`). */
export function settle(fields, scopes = [[]]) {
  const here = fields.flatMap((one) => one.read());
  const around = [here, ...scopes];
  for (const one of fields) {
    one.element.hidden = one.element.classList.contains("inquiry--none") || (one.question.when.length > 0 && !one.question.when.some((condition) => holds(condition, around)));
    for (const part of one.parts ?? []) settle(part.fields, around);
  }
}
