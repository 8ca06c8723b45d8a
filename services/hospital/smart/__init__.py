"""The authorization server: SMART App Launch 2.2 and SMART Backend Services.

Workflow. An operator registers a program (`clients`). One that acts by itself proves who it is by
a signed assertion that is good once (`assertion`), with keys that are registered or fetched from
where the program keeps them (`client_keys`), and gets a token for minutes. An app for people sends
the browser to ``/oauth/authorize`` (`authorize`), from a chart (`launches`) or by itself. The
person signs in to the portal, chooses a patient and what the app may have, and the app exchanges a
code with its PKCE verifier (`grants`, `endpoint`). Tokens are random and kept as digests
(`tokens`); using a code or a refresh token twice ends the grant. `discovery` says what is served.

Example:
    >>> from compliance.access import Scopes
    >>> registered = Scopes.understood("system/*.rs")[0]
    >>> Scopes.understood("system/Observation.cruds")[0].common(registered).text
    'system/Observation.rs'
"""
