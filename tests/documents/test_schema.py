"""The OpenAPI schema is valid, complete and has examples that match it."""

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
def test_schema_is_valid_and_generated_without_warnings(capsys, language):
    call_command("spectacular", "--validate", "--fail-on-warn", "--lang", language)

    assert "openapi: 3.1" in capsys.readouterr().out


def test_every_operation_has_a_summary_and_a_description(operations):
    undescribed = [
        name for name, it in operations.items() if not (it.get("summary") and description(it))
    ]

    assert undescribed == []


def description(operation: dict) -> str:
    return operation.get("description", "")


def test_every_body_has_an_example(schema, operations):
    missing = {
        (name, reference)
        for name, operation in operations.items()
        for reference in references(operation)
        if not component(schema, reference).get("examples")
    }

    assert missing == set()


def test_examples_of_parameters_match_their_schemas(operations):
    invalid = {
        (name, parameter["name"])
        for name, operation in operations.items()
        for parameter in operation.get("parameters", ())
        if not jsonschema.Draft202012Validator(parameter["schema"]).is_valid(parameter["example"])
    }

    assert invalid == set()


def test_limit_parameters_have_bounds_and_a_default(operations):
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


def test_every_example_belongs_to_a_component_or_parameter(schema, operations):
    parameters = {
        parameter["name"] for it in operations.values() for parameter in it.get("parameters", ())
    }

    assert COMPONENTS.keys() <= schema["components"]["schemas"].keys()
    assert parameters >= PARAMETERS.keys()


@pytest.mark.parametrize("name", COMPONENTS)
def test_example_matches_its_schema(schema, name):
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
