// Uses the hospital through fhir-kit-client; prints what it saw as one line of JSON.
//     node kit.mjs BASE TOKEN
import { pathToFileURL } from "node:url";

const modules = process.env.CARETIER_NODE_MODULES;
const { Client } = await import(
  pathToFileURL(`${modules}/fhir-kit-client/dist/index.js`).href
);

const [base, token] = process.argv.slice(2);
const client = new Client({ baseUrl: base, bearerToken: token });
const seen = {};

seen.fhirVersion = (await client.capabilityStatement()).fhirVersion;
const smart = await client.smartAuthMetadata();
seen.token = String(smart.tokenUrl);

seen.read = (await client.read({ resourceType: "Patient", id: "p01" })).id;
const search = { resourceType: "Observation", searchParams: { patient: "p01", _count: 2 } };
let page = await client.search(search);
const ids = new Set();
while (page) {
  for (const entry of page.entry ?? []) ids.add(entry.resource.id);
  page = await client.nextPage({ bundle: page });
}
seen.observations = ids.size;
seen.posted = (await client.search({ ...search, options: { postSearch: true } })).type;

const body = {
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "8867-4" }] },
  subject: { reference: "Patient/p01" },
  valueQuantity: {
    value: 72,
    unit: "/min",
    system: "http://unitsofmeasure.org",
    code: "/min",
  },
};
const made = await client.create({ resourceType: "Observation", body });
seen.created = made.status;
const id = made.id;
const changed = { ...made, status: "amended" };
seen.updated = (await client.update({ resourceType: "Observation", id, body: changed })).status;
const patch = [{ op: "replace", path: "/status", value: "corrected" }];
seen.patched = (
  await client.patch({ resourceType: "Observation", id, jsonPatch: patch })
).status;
seen.first = (await client.vread({ resourceType: "Observation", id, version: "1" })).status;
seen.history = (await client.resourceHistory({ resourceType: "Observation", id })).entry.length;
await client.delete({ resourceType: "Observation", id });
try {
  await client.read({ resourceType: "Observation", id });
} catch (error) {
  seen.gone = error.response.status;
}
const entry = (resource) => ({
  resource,
  request: { method: "POST", url: resource.resourceType },
});
const transaction = { resourceType: "Bundle", type: "transaction", entry: [entry(body)] };
const done = await client.transaction({ body: transaction });
seen.transaction = done.entry.map((item) => item.response.status);
const everything = await client.operation({
  name: "everything",
  resourceType: "Patient",
  id: "p01",
  method: "GET",
});
seen.everything = everything.entry.length > ids.size;
console.log(JSON.stringify(seen));
