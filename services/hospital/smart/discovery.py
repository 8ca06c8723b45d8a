"""What the server says of itself: the SMART configuration, and OpenID Connect's."""

from __future__ import annotations

from typing import Any

from services.fhir.capability import smart_security
from services.hospital.smart.clients import ASK
from services.hospital.smart.jwks import ALGORITHMS
from services.hospital.smart.signing import ALGORITHM
from services.hospital.smart.site import Site

CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
)
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
AUTHENTICATION = ("client_secret_basic", "client_secret_post", "private_key_jwt")
SCOPES = (
    *("openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter"),
    *("online_access", "offline_access", "patient/*.cruds", "user/*.cruds", "system/*.cruds"),
    ASK,
)
STYLE = {
    "color_background": "#f6f7f5",
    "color_error": "#b3261e",
    "color_highlight": "#0f6b5c",
    "color_modal_backdrop": "#18211f",
    "color_success": "#1d7a46",
    "color_text": "#18211f",
    "dim_border_radius": "10px",
    "dim_font_size": "16px",
    "dim_spacing_size": "16px",
    "font_family_body": "system-ui, sans-serif",
    "font_family_heading": "system-ui, sans-serif",
}
"""For apps that want to look like the portal."""


def smart_configuration(site: Site) -> dict[str, Any]:
    """The document at ``/fhir/.well-known/smart-configuration``."""
    return _shared(site) | {
        "capabilities": list(CAPABILITIES),
        "management_endpoint": f"{site.base}/portal/apps",
    }


def fhir_security(base: str) -> dict[str, Any]:
    """What the CapabilityStatement says of how to come in; ``base`` is the hospital's address."""
    site = Site(base)
    endpoints = {name: site.oauth(name) for name in ("introspect", "revoke")}
    manage = f"{base}/portal/apps"
    return smart_security(site.oauth("authorize"), site.token, **endpoints, manage=manage)


def openid_configuration(site: Site) -> dict[str, Any]:
    """The document at ``/.well-known/openid-configuration``, for those who check ID tokens."""
    return _shared(site) | {
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "nonce", "fhirUser", "name"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _shared(site: Site) -> dict[str, Any]:
    algorithms = sorted(ALGORITHMS.values())
    return {
        "issuer": site.base,
        "jwks_uri": site.oauth("jwks"),
        "authorization_endpoint": site.oauth("authorize"),
        "token_endpoint": site.token,
        "introspection_endpoint": site.oauth("introspect"),
        "revocation_endpoint": site.oauth("revoke"),
        "grant_types_supported": list(GRANT_TYPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "scopes_supported": list(SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(AUTHENTICATION),
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": list(AUTHENTICATION),
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": list(AUTHENTICATION),
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    }
