"""The OpenAPI schema says what one needs to understand an operation, and says it right."""

from __future__ import annotations

import json

import jsonschema
import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from chatflow.api.examples import COMPONENTS, PARAMETERS

JSON = ("application/json", "application/problem+json")


@pytest.fixture(scope="module")
def schema() -> dict:
    return json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))


@pytest.fixture(scope="module")
def operations(schema) -> dict[str, dict]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


@pytest.mark.parametrize("language", ["en", "de"])
def test_it_is_valid_and_nothing_in_it_had_to_be_guessed(capsys, language):
    call_command("spectacular", "--validate", "--fail-on-warn", "--lang", language)

    assert "openapi: 3.1" in capsys.readouterr().out


def test_every_operation_is_described(operations):
    poor = [name for name, it in operations.items() if not (it.get("summary") and description(it))]

    assert poor == []


def description(operation: dict) -> str:
    return operation.get("description", "")


def test_everything_that_is_sent_or_answered_has_an_example(schema, operations):
    bare = {
        (name, reference)
        for name, operation in operations.items()
        for reference in references(operation)
        if not component(schema, reference).get("examples")
    }

    assert bare == set()


def test_every_parameter_has_an_example_that_fits(operations):
    unfit = {
        (name, parameter["name"])
        for name, operation in operations.items()
        for parameter in operation.get("parameters", ())
        if not jsonschema.Draft202012Validator(parameter["schema"]).is_valid(parameter["example"])
    }

    assert unfit == set()


def test_bounds_and_default_of_a_page_are_published(operations):
    limits = [
        parameter["schema"]
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "limit"
    ]

    assert limits
    assert all(
        (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 50) for limit in limits
    )


def test_no_example_is_of_something_that_is_gone(schema, operations):
    parameters = {
        parameter["name"] for it in operations.values() for parameter in it.get("parameters", ())
    }

    assert COMPONENTS.keys() <= schema["components"]["schemas"].keys()
    assert parameters >= PARAMETERS.keys()


@pytest.mark.parametrize("name", COMPONENTS)
def test_examples_are_what_the_schema_says(schema, name):
    described = {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}

    jsonschema.validate(COMPONENTS[name], described, cls=jsonschema.Draft202012Validator)


def references(operation: dict) -> set[str]:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    contents = [body.get("content", {}).get(kind) for body in bodies for kind in JSON]
    return {
        shape.get("$ref") or shape["items"]["$ref"]
        for shape in (content["schema"] for content in contents if content)
    }


def component(schema: dict, reference: str) -> dict:
    return schema["components"]["schemas"][reference.rpartition("/")[2]]
