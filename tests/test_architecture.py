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
INTERFACES = ("api", "pages", "consumers", "admin", "urls", "page_urls")
OPENERS = ("urls", "page_urls", "asgi", "apps")  # what may import an interface
# What runs the application, which does not know it: any ASGI server can take its place.
SERVER = ("daphne", "connections", "flow_control", "instance_lock")
# The packages of chatflow that know nothing of the domain.
INFRASTRUCTURE = ("live", "db", "limits", "server", "api", "text", "errors", "times", "headers")
# The packages of messaging that everything else does without, but for what is named here.
LEAVES = {
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
    """Module → the modules of ours that it imports, TYPE_CHECKING aside."""
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


def test_only_the_admin_calls_the_acts_of_moderators():
    callers = {source for source, target in _arrows() if target == "messaging.moderation.actions"}

    assert callers == {"accounts.admin", "messaging.moderation.admin"}


def test_interfaces_are_imported_by_urls_and_the_asgi_application_only():
    wrong = [
        (source, target)
        for source, target in _arrows()
        if target.split(".")[0] in APPS
        and target.split(".")[-1] in INTERFACES
        and source.split(".")[-1] not in OPENERS
    ]

    assert wrong == []


@pytest.mark.parametrize("package", INFRASTRUCTURE)
def test_infrastructure_knows_nothing_of_the_domain(package):
    wrong = [
        (source, target)
        for source, target in _arrows()
        if _is_within(source, f"chatflow.{package}") and target.split(".")[0] in APPS
    ]

    assert wrong == []


@pytest.mark.parametrize("package", LEAVES)
def test_leaves_of_messaging_are_imported_by_urls_and_the_asgi_application_only(package):
    wrong = [
        (source, target)
        for source, target in _arrows()
        if _is_within(target, package)
        and not _is_within(source, package)
        and source.split(".")[-1] not in OPENERS
        and ".commands." not in source
        and (source, target) not in LEAVES[package]
    ]

    assert wrong == []


def test_the_application_does_not_know_what_runs_it():
    server = {f"chatflow.server.{name}" for name in SERVER}
    wrong = [
        (source, target)
        for source, target in _arrows()
        if target in server and source not in server and ".commands." not in source
    ]

    assert wrong == []


@pytest.mark.parametrize("package", ["chatflow", *APPS])
def test_a_folder_reads_like_a_table_of_contents(package):
    assert len([path for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"]) <= 15


def test_every_package_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for app in (*APPS, "chatflow")
        for path in (ROOT / app).rglob("__init__.py")
        if not {"migrations", "management", "templatetags"} & set(path.parts)
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_services_know_no_interface():
    interfaces = ("django.http", "django.shortcuts", "django.template", "rest_framework.r")
    for app in APPS:
        source = (ROOT / app / "services.py").read_text()

        assert not [name for name in interfaces if f"from {name}" in source]


def test_only_publishing_knows_the_channel_layer():
    users = [name for name in imports() if "from channels.layers" in _path(name).read_text()]

    assert users == ["chatflow.live.publishing"]


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
        path.is_file() for app in (*APPS, "chatflow") for path in (ROOT / app).rglob(name)
    )


def test_every_function_that_the_architecture_names_exists():
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
