"""Checks of Dockerfile and compose.yaml that need no Docker; GitHub Actions starts them."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from django.apps import apps

PROJECT = Path(__file__).resolve().parents[2]
OURS = ("web", "migrate")


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their arguments."""
    text = re.sub(r"^#.*\n", "", (PROJECT / "Dockerfile").read_text(), flags=re.M)
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [line.strip().partition(" ")[::2] for line in lines if line.strip()]


def is_ignored(path: str) -> bool:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return any(
        fnmatchcase(path, pattern) or fnmatchcase(f"/{path}", pattern.replace("**/", "*/"))
        for pattern in patterns
    )


STEPS = instructions()


def given(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]


# Image


def test_image_contains_exactly_the_apps():
    here = {
        Path(app.path).relative_to(PROJECT).parts[0]
        for app in apps.get_app_configs()
        if Path(app.path).is_relative_to(PROJECT) and ".venv" not in app.path
    }
    copied = {
        source for rest in given("COPY") if "--from" not in rest for source in rest.split()[:1]
    }

    assert copied == {*here, "static", "templates", "manage.py", "requirements.txt"}


def test_image_starts_with_the_same_command_as_make_run():
    (command,) = given("CMD")

    assert " ".join(json.loads(command)) == "python manage.py serve"
    assert "exec $(PY) manage.py serve" in (PROJECT / "Makefile").read_text()


def test_image_does_not_run_as_root():
    (user,) = given("USER")

    assert int(user.partition(":")[0]) > 1000


@pytest.mark.parametrize(
    "path",
    [".env", ".env.production", "var", ".git", "accounts/__pycache__", "chatflow/x.pyc"],
)
def test_secrets_and_caches_are_not_copied_into_the_image(path):
    assert is_ignored(path)


@pytest.mark.parametrize("path", ["manage.py", "accounts/models.py", "static/css/base.css"])
def test_source_files_are_copied_into_the_image(path):
    assert not is_ignored(path)


# Compose file


def test_web_service_can_be_scaled(services):
    assert "ports" not in services["web"]
    assert "container_name" not in services["web"]
    assert services["web"]["deploy"]["replicas"] >= 2


def test_only_the_proxy_publishes_ports(services):
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


@pytest.mark.parametrize("name", OURS)
def test_root_file_systems_are_read_only(services, name):
    (data,) = given("VOLUME")

    assert services[name]["read_only"]
    assert services[name]["tmpfs"] == "/tmp"
    assert services[name]["volumes"] == [f"data:{data}"]


def test_missing_secret_prevents_the_start():
    text = (PROJECT / "compose.yaml").read_text()

    for name in ("POSTGRES_PASSWORD", "SECRET_KEY", "MESSAGE_KEYS"):
        assert set(re.findall(rf"\$\{{{name}(..)", text)) == {":?"}


def test_postgresql_client_has_the_version_of_the_server(services):
    client = re.search(r"postgresql-client-(\d+)", " ".join(given("RUN")))[1]

    assert services["postgres"]["image"].startswith(f"postgres:{client}-")


def test_proxy_uses_the_port_of_the_processes(services):
    variables = dict(each.split("=", 1) for rest in given("ENV") for each in rest.split())
    backends = (PROJECT / "deploy/nginx/backends.conf").read_text()

    assert f"web:{variables['PORT']};" in backends
    assert variables["BIND"] == "0.0.0.0"


def test_services_wait_for_their_dependencies(services):
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }

    assert waits["proxy"] == {"web": "service_healthy"}
    assert waits["web"]["migrate"] == "service_completed_successfully"
    assert waits["migrate"] == {"postgres": "service_healthy"}
