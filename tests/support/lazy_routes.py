"""Routes of FastAPI that are worked out when they are first asked.

A hospital has some 230 routes, and FastAPI reads each one's signature when it is added: most of a
second, at every test that opens a hospital and asks three of them. Processes that a test starts,
and whoever lists the routes or describes them (OpenAPI), work out every one, as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import compile_path, get_name

from services.web.app import join

build = APIRoute.__init__
"""What works a route out."""
include = FastAPI.include_router
"""What takes a router's routes in, each made a second time."""


def _promise(self: APIRoute, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
    """Set what finding a route takes, and keep the rest for later."""
    held = vars(self)
    held["_given"] = (path, endpoint, given)
    held.update(path=path, endpoint=endpoint, responses=given.get("responses") or {})
    held["name"] = given.get("name") or get_name(endpoint)
    held["include_in_schema"] = given.get("include_in_schema", True)
    held["methods"] = {method.upper() for method in given.get("methods") or ["GET"]}
    held["path_regex"], held["path_format"], held["param_convertors"] = compile_path(path)


def _keep(self: APIRoute, name: str) -> Any:
    """Work the route out; what was set in the meantime (the responses it tells of) stays."""
    given = vars(self).pop("_given", None)
    if given is None:
        raise AttributeError(name)
    path, endpoint, more = given
    early = dict(vars(self))
    build(self, path, endpoint, **more)
    vars(self).update(early)
    return getattr(self, name)


def _take(self: FastAPI, router: APIRouter, **given: Any) -> None:
    """Take a router in as it is, unless it is to be changed."""
    if given:
        include(self, router, **given)
    else:
        join(self, router)


def lazily(patch: pytest.MonkeyPatch) -> None:
    """Have routes worked out late for as long as a patch lasts."""
    patch.setattr(APIRoute, "__init__", _promise)
    patch.setattr(APIRoute, "__getattr__", _keep, raising=False)
    patch.setattr(FastAPI, "include_router", _take)
