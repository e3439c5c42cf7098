"""Static files under content-hashed names, so that browsers may cache them forever.

`collectstatic` also bundles the style sheets and the ES modules, each into one file without its
comments: a page needs two requests instead of fifty, which take seconds on a phone's connection.
With DEBUG, browsers load the separate files. esbuild could replace `bundle_modules`, but would add
a build step and Node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

COMMENT = re.compile(r"^ */\*.*?\*/\n", re.MULTILINE | re.DOTALL)  # on lines of its own
STYLE_IMPORT = re.compile(r'^@import "(.+)";\n', re.MULTILINE)
MODULE_IMPORT = re.compile(r'^import (?:(\{.+\}) from )?"\./(.+)";\n', re.MULTILINE)
MODULE_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
MODULE_SYNTAX = re.compile(r'^(?:import|export)\b.*|^.*\bimport\("\..*', re.MULTILINE)

Read = Callable[[str], str]
Paths = dict[str, tuple[StaticFilesStorage, str]]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    manifest_strict = False

    def post_process(
        self, paths: Paths, dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str, bool]]:
        if not dry_run:
            self._bundle(paths, "css/app.css", bundle_styles)
            self._bundle(paths, "js/app.js", bundle_modules)
        yield from super().post_process(paths, dry_run, **options)

    def _bundle(self, paths: Paths, name: str, bundle: Callable[[Read, str], str]) -> None:
        folder, file = name.split("/")
        content = bundle(lambda source: COMMENT.sub("", _read(f"{folder}/{source}")), file)
        self.delete(name)
        self.save(name, ContentFile(content.encode()))
        paths[name] = (self, name)

    @cache  # noqa: B019 (there is one storage per process) pages ask for some names in every row
    def url(self, name: str | None, force: bool = False) -> str:
        return str(super().url(name, force))


def bundle_styles(read: Read, entry: str) -> str:
    """Replace the imports of a style sheet by the files, which must be in the same folder."""
    return STYLE_IMPORT.sub(lambda found: read(found[1]), read(entry))


def bundle_modules(read: Read, entry: str) -> str:
    """Return one script with the entry module and all its imports, in the order of evaluation.

    Each module becomes a function that returns its exports, so that their names cannot clash.
    Only the syntax that our modules use is understood: named imports, exports of declarations
    that are not reassigned, and no cycles. Raises ImproperlyConfigured for anything else.
    """
    modules: dict[str, str] = {}

    def visit(name: str, *importers: str) -> None:
        if name in importers:
            raise ImproperlyConfigured(f"{name} imports itself through {', '.join(importers)}")
        source = read(name)
        for _names, imported in MODULE_IMPORT.findall(source):
            if imported not in modules:
                visit(imported, name, *importers)
        modules[name] = _wrap(source, len(modules), list(modules))

    visit(entry)
    return "".join(modules.values())


def _wrap(source: str, index: int, order: list[str]) -> str:
    def destructure(found: re.Match[str]) -> str:
        names, imported = found.groups()
        return f"const {names} = module{order.index(imported)};\n" if names else ""

    exports = ", ".join(MODULE_EXPORT.findall(source))
    body = MODULE_IMPORT.sub(destructure, MODULE_EXPORT.sub("", source))
    if unknown := MODULE_SYNTAX.search(body):
        raise ImproperlyConfigured(f"Modules cannot be bundled with this line: {unknown[0]}")
    return f"const module{index} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"


def _read(name: str) -> str:
    path = finders.find(name)
    assert isinstance(path, str), name
    with open(path, encoding="utf-8") as file:
        return file.read()
