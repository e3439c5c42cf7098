"""URLs of the account pages."""

from __future__ import annotations

from django.urls import path

from accounts import pages

urlpatterns = [
    path("login", pages.log_in, name="login"),
    path("logout", pages.log_out, name="logout"),
    path("register", pages.register, name="register"),
    path("password-reset", pages.request_reset, name="password-reset"),
    path("password-reset/new", pages.choose_password, name="password-reset-new"),
    path("people", pages.people, name="people"),
    path("settings", pages.show_settings, name="settings"),
    path("settings/profile", pages.change_profile, name="settings-profile"),
    path("settings/avatar", pages.change_avatar, name="settings-avatar"),
    path("settings/avatar/remove", pages.remove_avatar, name="settings-avatar-remove"),
    path("settings/password", pages.change_password, name="settings-password"),
    path("settings/logins/<uuid:login>/end", pages.end_login, name="settings-login-end"),
    path("settings/appearance", pages.change_appearance, name="settings-appearance"),
    path("settings/language", pages.choose_language, name="set_language"),
    path("settings/privacy", pages.change_privacy, name="settings-privacy"),
    path("settings/blocks/<str:username>", pages.block, name="block"),
    path("settings/blocks/<str:username>/lift", pages.unblock, name="unblock"),
    path("shortcuts", pages.shortcuts, name="shortcuts"),
    path("settings/delete", pages.delete_account, name="settings-delete"),
]
