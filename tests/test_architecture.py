"""The cut of the code, held: which module may import which, and documents that name what exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "conversations", "messaging")
DATA = ("models", "querysets")
DOORS = (
    *("api", "pages", "consumers", "admin", "urls", "page_urls"),
    *("report_pages", "search_api", "search_pages"),
)
OPENERS = ("urls", "page_urls", "asgi")  # what may import a door
PROCESS = ("server", "backpressure", "single")  # what runs the application, unknown to it


@cache
def imports() -> dict[str, set[str]]:
    """Module → the modules of ours that it imports, TYPE_CHECKING aside."""
    files = [path for app in (*APPS, "chatflow") for path in (ROOT / app).rglob("*.py")]
    modules = {_module_name(path): path for path in files if "migrations" not in path.parts}
    return {name: set(_imported(path, modules)) for name, path in modules.items()}


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path, modules: dict[str, Path]):
    tree = ast.parse(path.read_text())
    guarded = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield from [name for name in (whole, node.module) if name in modules][:1]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)


def _arrows():
    return [(source, target) for source, targets in imports().items() for target in targets]


def test_no_module_imports_itself_in_a_circle():
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_data_points_from_messages_to_conversations_to_accounts():
    wrong = [
        (source, target)
        for source, target in _arrows()
        for app, part in [source.split(".")[:2]]
        if app in APPS and part in DATA and target.split(".")[0] in APPS[APPS.index(app) + 1 :]
    ]

    assert wrong == []


def test_acts_point_from_accounts_to_conversations_to_messages():
    services = {f"{app}.services": index for index, app in enumerate(APPS)}
    wrong = [
        (source, target)
        for source, target in _arrows()
        if source in services and target in services and services[target] <= services[source]
    ]

    assert wrong == []


def test_moderation_stands_above_all_services():
    callers = {source for source, target in _arrows() if target == "messaging.moderation"}

    assert callers == {"accounts.admin", "messaging.admin"}


def test_nobody_imports_a_door_but_who_opens_it():
    wrong = [
        (source, target)
        for source, target in _arrows()
        if target.split(".")[0] in APPS
        and target.split(".")[-1] in DOORS
        and source.split(".")[-1] not in OPENERS
    ]

    assert wrong == []


def test_what_the_apps_share_knows_none_of_them():
    shared = {
        "errors",
        "realtime",
        "sockets",
        "parsing",
        "times",
        "proxies",
        "headers",
        "limits",
        "buckets",
        "lifecycle",
        "progress",
    }
    wrong = [
        (source, target)
        for source, target in _arrows()
        if source.removeprefix("chatflow.") in shared and target.split(".")[0] in APPS
    ]

    assert wrong == []


def test_the_application_does_not_know_what_runs_it():
    process = {f"chatflow.{name}" for name in PROCESS}
    wrong = [
        (source, target)
        for source, target in _arrows()
        if target in process and source not in process and ".commands." not in source
    ]

    assert wrong == []


def test_services_know_no_interface():
    interfaces = ("django.http", "django.shortcuts", "django.template", "rest_framework.r")
    for app in APPS:
        source = (ROOT / app / "services.py").read_text()

        assert not [name for name in interfaces if f"from {name}" in source]


def test_only_realtime_knows_the_channel_layer():
    users = [name for name in imports() if "from channels.layers" in _path(name).read_text()]

    assert users == ["chatflow.realtime"]


def _path(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _names_in(document: str) -> list[str]:
    """`file.py`, `app/file.py`, `app.module.name` between backticks."""
    text = (ROOT / document).read_text()
    return sorted(
        set(re.findall(r"`((?:[\w-]+/)*[\w.-]+\.(?:py|js|css|html|md|txt|toml|yaml))`", text))
    )


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "README.md"])
def test_every_file_that_a_document_names_exists(document):
    missing = [name for name in _names_in(document) if not _is_a_file(name)]

    assert missing == []


def _is_a_file(name: str) -> bool:
    """A path from the root, or the name of a file that several apps have."""
    return (ROOT / name).exists() or any(
        (ROOT / app / name).exists() for app in (*APPS, "chatflow")
    )


def test_every_function_that_the_architecture_names_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    names = set(re.findall(rf"`((?:{'|'.join(APPS)}|chatflow)\.[a-z]+\.\w+)\b", text))
    missing = [name for name in sorted(names) if not _is_defined(name)]

    assert names
    assert missing == []


def _is_defined(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    path = _path(module)
    return path.exists() and bool(
        re.search(
            rf"^\s*(?:async )?(?:def|class) {attribute}\b|^{attribute}\b", path.read_text(), re.M
        )
    )
