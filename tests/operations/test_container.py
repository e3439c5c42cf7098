"""Dockerfile and compose.yaml: what can be held without Docker. .ci/prove_container.py runs it."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from django.apps import apps

PROJECT = Path(__file__).resolve().parents[2]
OURS = ("web", "migrate")


prover = SimpleNamespace(**runpy.run_path(str(PROJECT / ".ci/prove_container.py")))
STEPS = [step.partition(" ")[::2] for step in prover.instructions(PROJECT / "Dockerfile")]


def given(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]


# --- the image -----------------------------------------------------------------------------------


def test_every_instruction_of_the_dockerfile_is_one_that_can_be_proved():
    assert {name for name, _rest in STEPS} <= {*prover.STEPS, *prover.FOR_DOCKER_ALONE}


def test_the_image_has_every_app_and_nothing_else():
    here = {
        Path(app.path).relative_to(PROJECT).parts[0]
        for app in apps.get_app_configs()
        if Path(app.path).is_relative_to(PROJECT) and ".venv" not in app.path
    }
    copied = {
        source for rest in given("COPY") if "--from" not in rest for source in rest.split()[:1]
    }

    assert copied == {*here, "static", "templates", "manage.py", "requirements.txt"}


def test_the_image_starts_as_everything_does():
    (command,) = given("CMD")

    assert " ".join(json.loads(command)) == "python manage.py serve"
    assert "exec $(PY) manage.py serve" in (PROJECT / "Makefile").read_text()


def test_the_image_runs_as_nobody_in_particular():
    (user,) = given("USER")

    assert int(user.partition(":")[0]) > 1000


@pytest.mark.parametrize(
    "path",
    [".env", ".env.production", "var", ".git", "accounts/__pycache__", "chatflow/x.pyc"],
)
def test_secrets_and_leftovers_never_reach_the_image(path):
    assert prover.is_ignored(path)


@pytest.mark.parametrize("path", ["manage.py", "accounts/models.py", "static/css/base.css"])
def test_what_the_messenger_needs_does(path):
    assert not prover.is_ignored(path)


# --- the composition -----------------------------------------------------------------------------


def test_processes_can_be_scaled(services):
    assert "ports" not in services["web"]
    assert "container_name" not in services["web"]
    assert services["web"]["deploy"]["replicas"] >= 2


def test_only_the_proxy_can_be_reached_from_outside(services):
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


@pytest.mark.parametrize("name", OURS)
def test_the_root_of_our_containers_is_read_only(services, name):
    (data,) = given("VOLUME")

    assert services[name]["read_only"]
    assert services[name]["tmpfs"] == "/tmp"
    assert services[name]["volumes"] == [f"data:{data}"]


def test_a_missing_secret_stops_the_start():
    text = (PROJECT / "compose.yaml").read_text()

    for name in ("POSTGRES_PASSWORD", "SECRET_KEY", "MESSAGE_KEYS"):
        assert set(re.findall(rf"\$\{{{name}(..)", text)) == {":?"}


def test_the_client_in_the_image_is_as_new_as_the_server(services):
    client = re.search(r"postgresql-client-(\d+)", " ".join(given("RUN")))[1]

    assert services["postgres"]["image"].startswith(f"postgres:{client}-")


def test_the_proxy_finds_the_processes_at_the_port_they_listen_on(services):
    variables = dict(each.split("=", 1) for rest in given("ENV") for each in rest.split())
    backends = (PROJECT / "deploy/nginx/backends.conf").read_text()

    assert f"web:{variables['PORT']};" in backends
    assert variables["BIND"] == "0.0.0.0"


def test_everything_waits_for_what_it_needs(services):
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }

    assert waits["proxy"] == {"web": "service_healthy"}
    assert waits["web"]["migrate"] == "service_completed_successfully"
    assert waits["migrate"] == {"postgres": "service_healthy"}
