"""Which modules may import which, and whether documents name only files that exist."""

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
INTERFACES = ("api", "pages", "consumers", "admin", "urls", "page_urls")
ENTRY_POINTS = ("urls", "page_urls", "asgi", "apps")  # may import interfaces
# The ASGI server. The application does not import it, so another server can replace it.
SERVER = ("daphne", "connections", "flow_control", "instance_lock")
# The packages of chatflow that do not import the apps.
INFRASTRUCTURE = ("live", "db", "limits", "server", "api", "text", "errors", "times", "headers")
# The packages of messaging that other modules do not import, with their exceptions.
OPTIONAL_PACKAGES = {
    "messaging.search": {
        ("messaging.services", "messaging.search.postings"),
    },
    "messaging.sockets": set(),
    "messaging.moderation": {
        ("messaging.models", "messaging.moderation.models"),
        ("accounts.admin", "messaging.moderation.actions"),
    },
    "messaging.export": set(),
}


@cache
def imports() -> dict[str, set[str]]:
    """Return the project modules that each module imports outside TYPE_CHECKING blocks."""
    files = [path for app in (*APPS, "chatflow") for path in (ROOT / app).rglob("*.py")]
    modules = {_module_name(path): path for path in files if "migrations" not in path.parts}
    return {name: _imported(path, modules) for name, path in modules.items()}


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path, modules: dict[str, Path]) -> set[str]:
    visitor = _ImportVisitor(modules)
    visitor.visit(ast.parse(path.read_text()))
    return visitor.imported


class _ImportVisitor(ast.NodeVisitor):
    def __init__(self, modules: dict[str, Path]) -> None:
        self.modules = modules
        self.imported: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in ast.dump(node.test):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.imported |= {alias.name for alias in node.names} & self.modules.keys()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            self.imported |= {whole if whole in self.modules else node.module} & self.modules.keys()


def _import_pairs():
    return [(source, target) for source, targets in imports().items() for target in targets]


def test_there_are_no_circular_imports():
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_models_do_not_import_those_of_later_apps():
    wrong = [
        (source, target)
        for source, target in _import_pairs()
        for app, part in [source.split(".")[:2]]
        if app in APPS and part in DATA and target.split(".")[0] in APPS[APPS.index(app) + 1 :]
    ]

    assert wrong == []


def test_services_do_not_import_those_of_earlier_apps():
    services = {f"{app}.services": index for index, app in enumerate(APPS)}
    wrong = [
        (source, target)
        for source, target in _import_pairs()
        if source in services and target in services and services[target] <= services[source]
    ]

    assert wrong == []


def test_only_the_admin_imports_the_moderation_actions():
    callers = {
        source for source, target in _import_pairs() if target == "messaging.moderation.actions"
    }

    assert callers == {"accounts.admin", "messaging.moderation.admin"}


def test_only_entry_points_import_interfaces():
    wrong = [
        (source, target)
        for source, target in _import_pairs()
        if target.split(".")[0] in APPS
        and target.split(".")[-1] in INTERFACES
        and source.split(".")[-1] not in ENTRY_POINTS
    ]

    assert wrong == []


@pytest.mark.parametrize("package", INFRASTRUCTURE)
def test_infrastructure_does_not_import_the_apps(package):
    wrong = [
        (source, target)
        for source, target in _import_pairs()
        if _is_within(source, f"chatflow.{package}") and target.split(".")[0] in APPS
    ]

    assert wrong == []


@pytest.mark.parametrize("package", OPTIONAL_PACKAGES)
def test_only_entry_points_import_optional_packages(package):
    wrong = [
        (source, target)
        for source, target in _import_pairs()
        if _is_within(target, package)
        and not _is_within(source, package)
        and source.split(".")[-1] not in ENTRY_POINTS
        and ".commands." not in source
        and (source, target) not in OPTIONAL_PACKAGES[package]
    ]

    assert wrong == []


def test_application_does_not_import_the_server():
    server = {f"chatflow.server.{name}" for name in SERVER}
    wrong = [
        (source, target)
        for source, target in _import_pairs()
        if target in server and source not in server and ".commands." not in source
    ]

    assert wrong == []


@pytest.mark.parametrize("package", ["chatflow", *APPS])
def test_package_has_at_most_fifteen_modules(package):
    assert len([path for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"]) <= 15


def test_every_package_has_a_docstring():
    undocumented = [
        str(path.relative_to(ROOT))
        for app in (*APPS, "chatflow")
        for path in (ROOT / app).rglob("__init__.py")
        if not {"migrations", "management", "templatetags"} & set(path.parts)
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert undocumented == []


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_services_do_not_import_http_or_templates():
    interfaces = ("django.http", "django.shortcuts", "django.template", "rest_framework.r")
    for app in APPS:
        source = (ROOT / app / "services.py").read_text()

        assert not [name for name in interfaces if f"from {name}" in source]


def test_only_publishing_imports_the_channel_layer():
    users = [name for name in imports() if "from channels.layers" in _path(name).read_text()]

    assert users == ["chatflow.live.publishing"]


def _path(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _names_in(document: str) -> list[str]:
    """Return the file names in backticks, such as `file.py` and `app/file.py`."""
    text = (ROOT / document).read_text()
    return sorted(
        set(re.findall(r"`((?:[\w-]+/)*[\w.-]+\.(?:py|js|css|html|md|txt|toml|yaml))`", text))
    )


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "README.md"])
def test_files_named_in_a_document_exist(document):
    missing = [name for name in _names_in(document) if not _is_a_file(name)]

    assert missing == []


def _is_a_file(name: str) -> bool:
    """Accept a path from the root, or the name of a file of any app."""
    return (ROOT / name).exists() or any(
        path.is_file() for app in (*APPS, "chatflow") for path in (ROOT / app).rglob(name)
    )


def test_functions_named_in_the_architecture_exist():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    names = set(re.findall(rf"`((?:{'|'.join(APPS)}|chatflow)\.[a-z_.]+\.\w+)\b", text))
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
