"""The root URL configuration."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import conditional_page, require_POST
from django.views.generic import RedirectView, TemplateView
from drf_spectacular.views import SpectacularSwaggerSplitView

from accounts.pages import log_out
from chatflow.api.schema_views import SchemaView
from chatflow.operations import health, metrics

handler400 = "chatflow.errors.bad_request"
handler403 = "chatflow.errors.permission_denied"
handler404 = "chatflow.errors.page_not_found"
handler500 = "chatflow.errors.server_error"


def to_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page of all users, so that moderators get a Login as well."""
    if request.user.is_authenticated:
        raise PermissionDenied
    target = request.GET.get("next", reverse("admin:index"))
    return redirect(f"{reverse('login')}?{urlencode({'next': target})}")


MANIFEST = TemplateView.as_view(
    template_name="manifest.json", content_type="application/manifest+json"
)

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("conversations.urls")),
    path("", include("messaging.urls")),
    path("", include("accounts.page_urls")),
    path("", include("conversations.page_urls")),
    path("", include("messaging.page_urls")),
    path("manifest.webmanifest", MANIFEST, name="manifest"),
    path("schema", conditional_page(SchemaView.as_view()), name="schema"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(
            url_name="schema", template_name="docs.html", metadata_class=None
        ),
        name="docs",
    ),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.show, name="metrics"),
    path("admin/login/", to_login),
    path("admin/logout/", require_POST(log_out)),
    path("admin/password_change/", RedirectView.as_view(pattern_name="settings")),
    path("admin/", admin.site.urls),
]
