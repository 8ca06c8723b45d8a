"""The hospital, programs and people of the authorization server's tests."""
# ruff: noqa: F401  # fixtures

from support.smart import app_of, backend, ec_key, hospital, http, person, redeem, seeded
