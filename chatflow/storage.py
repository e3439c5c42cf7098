"""Static files under content-hashed names, so that browsers may keep them for ever."""

from __future__ import annotations

from functools import cache

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Rewrites imports between ES modules as well, so that a module never loads a stale sibling."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    @cache  # noqa: B019 (one storage a process) a page names some of them in every row
    def url(self, name: str | None, force: bool = False) -> str:
        return str(super().url(name, force))
