"""A person's record at another server: connected, read into the vault, read again, let go.

Workflow. The device's owner lists records that may be connected (`places`). The person chooses one
(`Connections.begin`), allows it in their browser at that server (SMART standalone launch with
PKCE), and comes back (`finish`); their record is then read in the background (`reading`), under
ids of this connection's own (`naming`), into the vault. The tokens stay in the vault too. Nothing
of the person leaves the device for it but what that server is asked for: their own record there.

    connections = Connections("Hospital|https://ehr.example.org/fhir|caretier-device")
    url = await connections.begin(member, place, redirect)    # the browser goes there
    await connections.finish(member, answer)                  # and comes back with this
"""
