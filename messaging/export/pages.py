"""The export of a user's own data from the settings page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from accounts.auth.authentication import current_user
from accounts.forms import ExportForm
from accounts.settings_page import present_settings
from messaging.export.archive import export
from messaging.export.download import download


@login_required
@require_POST
def export_data(request: HttpRequest) -> HttpResponseBase:
    form = ExportForm(request.POST)
    if form.is_valid():
        with form.showing_errors():
            return download(export(user=current_user(request), **form.cleaned_data))
    return present_settings(request, export_form=form)
