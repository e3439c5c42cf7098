"""Whatever the schema allows to be sent, and much that it forbids, is answered as it says.

Schemathesis makes the requests up, for a group that alice owns and for nobody's things; hypothesis
is derandomized, so they are the same on every run. Change MOST_EXAMPLES to look further.
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

from accounts.services import open_login
from accounts.tokens import token_pair
from tests.conftest import PROGRAM
from tests.test_authorization import stage

__all__ = ["stage"]  # the fixture

MOST_EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def described() -> dict:
    return json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))


OPERATIONS = [
    (path, method, place)
    for path, methods in described()["paths"].items()
    for method in methods
    for place in (("here", "nowhere") if "{" in path else ("nowhere",))
]


@pytest.fixture
def _one_connection():
    """Requests and their test share a transaction, as with Django's own client."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def api():
    schema = schemathesis.openapi.from_dict(described())
    schema.app = get_wsgi_application()
    return schema


@pytest.mark.usefixtures("_one_connection")
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # Schemathesis's own affair
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")  # served by ASGI as a rule
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method", "place"), OPERATIONS)
def test_nothing_that_is_sent_breaks_it(api, stage, path, method, place, mode):
    operation = api[path][method]
    login = open_login(user=stage.people["alice"], device=PROGRAM)
    headers = {"Authorization": f"Bearer {token_pair(login).access}"}
    known = {
        "conversation_id": str(stage.group.id),
        "message_id": str(stage.message.id),
        "username": "bob",
        "login_id": str(login.id),
        "name": stage.avatar,
    }
    names = [parameter.name for parameter in operation.path_parameters]
    here = {name: known[name] for name in names if name in known}
    strategy = operation.as_strategy(mode, path_parameters=here if place == "here" else None)

    @hypothesis.settings(
        max_examples=MOST_EXAMPLES,
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
