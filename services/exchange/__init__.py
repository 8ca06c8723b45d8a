"""Exchange: how two tiers talk: enrolment, referrals in, sealed answers out.

A node is known by the fingerprint of its identity key. It enrols once at its parent with a one-time
code that also pins the parent's identity; after that every call carries a short-lived token signed
by the node over method, path and body. A referral travels as an `Envelope`: a receipt in the clear,
the question sealed to the tier that is to answer. Each hop stores it before it says yes, so that a
dead link or a killed process loses nothing, and takes the same id only once.

    link = Link("http://127.0.0.1:8100", keys, peer=clinic_fingerprint)
    await link.send(envelope)          # ParcelState; sending it again changes nothing
    await link.fetch(envelope.id)      # its state and, once there, the sealed reply
"""
