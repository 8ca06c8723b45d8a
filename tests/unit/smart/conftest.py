"""A hospital with its authorization server, and clients of every kind."""
# ruff: noqa: F401  # fixtures

from support.smart import app_of, backend, ec_key, hospital, http, person, redeem, rsa_key, seeded
