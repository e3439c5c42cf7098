"""Base classes of all apps' admin classes. They are read-only and act through services only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ModelAdmin(admin.ModelAdmin):
    """Allows only the filters in `list_filter`. Every admin class of the project derives from it.

    Django turns any query parameter that names a field into a lookup: with
    `?password__startswith=` a moderator could read a password hash character by character.
    """

    # The lookups that the links of Django's own filters use.
    FILTER_LOOKUPS = ("exact", "isnull", "gte", "lt")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        allowed: set[str] = set()
        for offered in self.get_list_filter(request):
            if isinstance(offered, str):
                allowed.update([offered, *(f"{offered}__{each}" for each in self.FILTER_LOOKUPS)])
            elif isinstance(offered, type) and issubclass(offered, admin.SimpleListFilter):
                allowed.add(str(offered.parameter_name))
        return lookup in allowed and "\0" not in str(value)  # PostgreSQL cannot compare with NUL


class ReadOnly:
    """Removes adding, changing and deleting. Subclasses add their own actions."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(ReadOnly, admin.TabularInline):
    extra = 0
    can_delete = False
