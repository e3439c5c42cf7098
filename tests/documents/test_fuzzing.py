"""Valid and invalid requests that Schemathesis generates are answered as the API schema says.

They are sent for a group that alice owns and for objects that do not exist. Hypothesis is
derandomized, so the requests are the same on every run. Raise MAX_EXAMPLES to search further.
"""

from __future__ import annotations

import json

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.auth.tokens import token_pair
from accounts.services import open_login
from tests.conftest import PROGRAM
from tests.test_authorization import scenario

__all__ = ["scenario"]  # the fixture

MAX_EXAMPLES = 6
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def api_schema() -> dict:
    return json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))


OPERATIONS = [
    (path, method, place)
    for path, methods in api_schema()["paths"].items()
    for method in methods
    for place in (("here", "nowhere") if "{" in path else ("nowhere",))
]


@pytest.fixture
def _one_connection():
    """Let requests share the test's transaction, as with Django's test client."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def api():
    schema = schemathesis.openapi.from_dict(api_schema())
    schema.app = get_wsgi_application()
    return schema


@pytest.mark.usefixtures("_one_connection")
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # caused by Schemathesis
@pytest.mark.filterwarnings(
    "ignore:StreamingHttpResponse must consume"
)  # served by ASGI in production
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method", "place"), OPERATIONS)
def test_generated_requests_are_answered_as_documented(api, scenario, path, method, place, mode):
    operation = api[path][method]
    login = open_login(user=scenario.people["alice"], device=PROGRAM)
    headers = {"Authorization": f"Bearer {token_pair(login).access}"}
    known = {
        "conversation_id": str(scenario.group.id),
        "message_id": str(scenario.message.id),
        "username": "bob",
        "login_id": str(login.id),
        "name": scenario.avatar,
    }
    names = [parameter.name for parameter in operation.path_parameters]
    here = {name: known[name] for name in names if name in known}
    strategy = operation.as_strategy(mode, path_parameters=here if place == "here" else None)

    @hypothesis.settings(
        max_examples=MAX_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def ask(case):
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    ask()
