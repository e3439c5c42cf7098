"""Reports and the audit log in the admin, for moderators."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.auth.authentication import current_user
from accounts.services import is_suspendable
from chatflow.admin import ModelAdmin, ReadOnly
from chatflow.errors import DomainError
from messaging.attachments.files import Variant
from messaging.attachments.models import Attachment
from messaging.attachments.serving import serve
from messaging.moderation import actions as moderation
from messaging.moderation.models import AuditEntry, Report

RESTORE = "restore"
RESOLUTIONS = {
    "dismiss": Report.Resolution.DISMISSED,
    "remove": Report.Resolution.REMOVED,
    "suspend": Report.Resolution.SUSPENDED,
    "remove_and_suspend": Report.Resolution.REMOVED_AND_SUSPENDED,
}  # by the value of the button


class StateFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("resolved", _("resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        if self.value() == "open":
            return queryset.filter(resolution="")
        if self.value() == "resolved":
            return queryset.exclude(resolution="")
        return queryset


@admin.register(Report)
class ReportAdmin(ReadOnly, ModelAdmin):
    list_display = ("__str__", "reason", "person", "reporter", "state", "resolved_by")
    list_filter = (StateFilter, "kind", "reason", "created_at")
    list_select_related = ("person", "reporter", "resolved_by")
    search_fields = ("person__username", "reporter__username")
    search_help_text = _("Search by the username of the reported person or the reporter.")
    fields = ()
    actions = ("dismiss",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        reports = Report.objects.for_moderator(current_user(request))
        return reports.defer("sealed_content").open_first()

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("messaging.change_report")

    @admin.display(description=_("status"))
    def state(self, report: Report) -> str:
        return report.get_resolution_display() or str(_("open"))

    @admin.action(description=_("Dismiss"), permissions=["moderate"])
    def dismiss(self, request: HttpRequest, reports: QuerySet[Report]) -> None:
        dismissed = moderation.dismiss_all(reports=reports, by=current_user(request))
        text = ngettext("%d report dismissed.", "%d reports dismissed.", dismissed)
        self.message_user(request, text % dismissed, messages.SUCCESS)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show one report, which records that the moderator has looked at it."""
        moderator = current_user(request)
        report = Report.objects.for_display().get(id=kwargs["obj"].id)
        context |= {
            "report": report,
            "content": moderation.look_at(report=report, by=moderator),
            "attachments": report.message.attachments if report.message else [],
            "record": report.audit.select_related("moderator"),
            "is_moderated": self.has_moderate_permission(request),
            "is_suspendable": is_suspendable(report.person, by=moderator),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        download = self.admin_site.admin_view(self.download)
        return [
            path("<uuid:report>/act/", view, name="messaging_report_act"),
            path(
                "<uuid:report>/attachments/<uuid:attachment>/",
                download,
                name="messaging_report_attachment",
            ),
            *super().get_urls(),
        ]

    def download(
        self, request: HttpRequest, report: uuid.UUID, attachment: uuid.UUID
    ) -> HttpResponseBase:
        """Serve a file of the reported message, and record that the moderator has looked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = get_object_or_404(self.get_queryset(request), id=report)
        files = Attachment.objects.exclude(message=None).select_related("conversation")
        file = get_object_or_404(files, id=attachment, message=found.message_id)
        moderation.look_at(report=found, by=current_user(request))
        return serve(request, file, Variant.ORIGINAL)

    @method_decorator(require_POST)
    def act(self, request: HttpRequest, report: uuid.UUID) -> HttpResponse:
        """Perform the action of the report's button that was pressed, and return to the list."""
        act = request.POST.get("act", "")
        if act not in (*RESOLUTIONS, RESTORE) or not self.has_moderate_permission(request):
            raise PermissionDenied
        found = get_object_or_404(self.get_queryset(request), id=report)
        moderator = current_user(request)
        try:
            if act == RESTORE:
                moderation.restore(person=found.person, by=moderator, report=found)
            else:
                moderation.resolve(report=found, resolution=RESOLUTIONS[act], by=moderator)
        except DomainError as error:
            self.message_user(request, str(error.message), messages.ERROR)
        else:
            self.message_user(request, _("Done and recorded in the audit log."), messages.SUCCESS)
        return redirect("admin:messaging_report_changelist")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, ModelAdmin):
    list_display = ("at", "moderator", "act", "person", "report")
    list_filter = ("act", "at")
    list_select_related = ("moderator", "person", "report")
    search_fields = ("moderator__username", "person__username")
    fields = readonly_fields = ("at", "moderator", "act", "person", "report")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Leave out the entries on reports about the moderator."""
        return super().get_queryset(request).exclude(report__person=current_user(request))
