"""Moderators' view of what was reported: the queue, one report at a time, and their own record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.authentication import asker
from accounts.services import is_suspendable
from chatflow.errors import DomainError
from chatflow.moderation import ReadOnly
from messaging import moderation
from messaging.models import AuditEntry, Report

ACTS: dict[str, Callable[..., None]] = {
    "dismiss": moderation.dismiss,
    "remove": moderation.remove,
    "suspend": moderation.suspend_reported,
    "remove_and_suspend": moderation.remove_and_suspend,
    "restore": moderation.restore_reported,
}
ACT = "messaging_report_act"  # the name of their address


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("resolved", _("resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        if self.value() not in ("open", "resolved"):
            return queryset
        narrow = queryset.filter if self.value() == "open" else queryset.exclude
        return narrow(resolution="")


@admin.register(Report)
class ReportAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("__str__", "reason", "person", "reporter", "state", "resolved_by")
    list_filter = (StateFilter, "kind", "reason", "created_at")
    list_select_related = ("person", "reporter", "resolved_by")
    search_fields = ("person__username", "reporter__username")
    search_help_text = _("A username: of whoever was reported, or of whoever reported.")
    fields = ()
    actions = ("dismiss",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return Report.objects.defer("sealed_content").open_first()

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        """Its page changes nothing, its buttons do."""
        return request.user.has_perm("messaging.change_report")

    @admin.display(description=_("state"))
    def state(self, report: Report) -> str:
        return report.get_resolution_display() or str(_("open"))

    @admin.action(description=_("Dismiss"), permissions=["moderate"])
    def dismiss(self, request: HttpRequest, reports: QuerySet[Report]) -> None:
        """Those that somebody else was faster with are passed over."""
        dismissed = moderation.dismiss_all(reports=reports, by=asker(request))
        words = ngettext("%d report dismissed.", "%d reports dismissed.", dismissed)
        self.message_user(request, words % dismissed, messages.SUCCESS)

    # one report

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **how: Any
    ) -> HttpResponse:
        """Whoever comes here looks at what was said, and that is put on record."""
        moderator = asker(request)
        report = Report.objects.for_display().get(id=how["obj"].id)
        context |= {
            "report": report,
            "content": moderation.look_at(report=report, by=moderator),
            "record": report.audit.select_related("moderator"),
            "is_moderated": self.has_moderate_permission(request),
            "is_suspendable": is_suspendable(report.person, by=moderator),
        }
        return super().render_change_form(request, context, *args, **how)

    def get_urls(self) -> list[URLPattern]:
        act = path("<uuid:report>/act/", self.admin_site.admin_view(self.act), name=ACT)
        return [act, *super().get_urls()]

    @method_decorator(require_POST)
    def act(self, request: HttpRequest, report: uuid.UUID) -> HttpResponse:
        """One of the buttons; a refusal is told in the queue, where it leads to in any case."""
        act = ACTS.get(request.POST.get("act", ""))
        if act is None or not self.has_moderate_permission(request):
            raise PermissionDenied
        try:
            act(report=get_object_or_404(Report, id=report), by=asker(request))
        except DomainError as refusal:
            self.message_user(request, str(refusal.message), messages.ERROR)
        else:
            self.message_user(request, _("Done, and recorded in the audit log."), messages.SUCCESS)
        return redirect("admin:messaging_report_changelist")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("at", "moderator", "act", "person", "report")
    list_filter = ("act", "at")
    list_select_related = ("moderator", "person", "report")
    search_fields = ("moderator__username", "person__username")
    fields = readonly_fields = ("at", "moderator", "act", "person", "report")
