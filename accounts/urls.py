"""URLs of the accounts API."""

from __future__ import annotations

from django.urls import path

from accounts import api

urlpatterns = [
    path("auth/register", api.RegisterView.as_view()),
    path("auth/login", api.LoginView.as_view()),
    path("auth/refresh", api.RefreshView.as_view()),
    path("auth/logout", api.LogoutView.as_view()),
    path("auth/password-reset", api.PasswordResetView.as_view()),
    path("auth/password-reset/confirm", api.PasswordResetConfirmationView.as_view()),
    path("users", api.UsersView.as_view()),
    path("users/me", api.MeView.as_view()),
    path("users/me/avatar", api.AvatarView.as_view()),
    path("users/me/password", api.PasswordView.as_view()),
    path("users/me/logins", api.LoginsView.as_view()),
    path("users/me/logins/<uuid:login_id>", api.OneLoginView.as_view()),
    path("users/me/blocks", api.BlocksView.as_view()),
    path("users/<str:username>/block", api.BlockView.as_view()),
    path("users/<str:username>", api.UserView.as_view(), name="api-user"),
    path("avatars/<slug:name>.webp", api.AvatarImageView.as_view(), name="avatar"),
]
