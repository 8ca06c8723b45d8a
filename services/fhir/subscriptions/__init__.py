"""Subscriptions: who asks for it is told what was written, at an address of theirs.

R4 Subscriptions by criteria, and topics as the R5 backport writes them; the channel is rest-hook.
A client writes a Subscription, which is judged as it is written (`spec`, `admission`): its endpoint
must be one that may be called from here. It is called once (handshake) before the subscription is
active. Then the store's writes are looked through in their order (`scan`), events are numbered, and
jobs deliver them (`delivery`, `notification`), with what the client may see at that moment. What
was missed can be asked for (`routes`).

    subscriptions = Subscriptions(database, topics=topics_of(), access=access_of, outbound=outbound,
                                  add_job=add_job, base="https://hospital.example.org/fhir")
    store = FhirStore(database, subscriptions.checks)
    subscriptions.scan.step()                                    # again and again
    await subscriptions.delivery.run(subject, done)              # what the jobs do
"""
