"""Before a visit: a questionnaire filled in on the device, at one's own pace (`drafts`).

begun = drafts.begin(member, "new-visit")           # prefilled from the record (`prefill`)
drafts.save(member, begun["id"], items, look)       # every answer is read for red flags first
drafts.finish(member, begun["id"])                  # a valid FHIR QuestionnaireResponse
"""
