"""Compliance: what a privacy officer reads.

Everything that protects the person stands here and imports nothing else of the project:
`deidentify` masks what may leave, `receipt` is the device's signed word for it, `sealing` closes
it to the tier that is to answer, `consent` is the person's permission, `audit` the chained trail
of every crossing, `access` who may see what, `retention` what is kept how long. Each fails closed:
an error means that nothing leaves. `transparency` holds the models' cards, without which none is
released, and `report` says where each rule is enforced and which tests prove it.

    masked = Deidentifier.load().deidentify(text, known=KnownIdentifiers.from_record(record))
    receipt = issue_receipt(key=identity, payload=payload, salt=new_salt(), …)
    trail.record(crossing(action="send", …))            # raises: then nothing is sent
    sealed = seal(payload, clinic_key, context=b"…")
"""
