"""The accounts API: authentication, the current user's profile and logins, and other users."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.core.files import File
from django.http import FileResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import presence, services
from accounts.auth import password_reset
from accounts.auth.authentication import current_user, device_of, login_of
from accounts.auth.tokens import token_pair
from accounts.models import Login, User
from accounts.serializers import (
    AvatarUploadSerializer,
    CredentialsSerializer,
    LoginSerializer,
    MeSerializer,
    PasswordChangeSerializer,
    PasswordResetConfirmationSerializer,
    PasswordResetSerializer,
    PasswordSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    SignedInSerializer,
    TokensSerializer,
    UserPageSerializer,
    UserSerializer,
    user_json,
)
from chatflow.api.parsing import PageQuery, QueryTextField, parsed, parsed_query
from chatflow.api.responses import NO_CONTENT, BinaryView
from chatflow.errors import NotFound
from conversations.access import contacts_among


class OpenView(APIView):
    """A view that needs no login. An invalid token in the request is ignored."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class RegisterView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Register an account",
        description=(
            "Creates the account and logs it in. Answers 403 while registration is closed on "
            "this server."
        ),
        request=RegistrationSerializer,
        responses={201: SignedInSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(RegistrationSerializer, request)
        login = services.register(**wanted, device=device_of(request))
        location = reverse("api-user", args=[login.user.username])
        return Response(
            _login_json(login), status=status.HTTP_201_CREATED, headers={"Location": location}
        )


class LoginView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Log in",
        description="`login` is a username or an email address; case does not matter.",
        request=CredentialsSerializer,
        responses=SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        credentials = parsed(CredentialsSerializer, request)
        return Response(_login_json(services.log_in(**credentials, device=device_of(request))))


class RefreshView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Refresh the tokens",
        description="A refresh token works once. Using it again ends the login.",
        request=RefreshSerializer,
        responses=TokensSerializer,
    )
    def post(self, request: Request) -> Response:
        received_at = _received_at(request)
        refresh = parsed(RefreshSerializer, request)["refresh"]
        pair = services.refresh_login(refresh=refresh, received_at=received_at)
        return Response({"access": pair.access, "refresh": pair.refresh})


class LogoutView(APIView):
    @extend_schema(
        tags=["auth"],
        summary="Log out",
        description="Revokes the login's tokens and closes its sockets.",
        request=RefreshSerializer,
        responses={204: NO_CONTENT},
    )
    def post(self, request: Request) -> Response:
        refresh = parsed(RefreshSerializer, request)["refresh"]
        services.end_login_of_refresh_token(refresh=refresh, user=current_user(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Request a password reset",
        description=(
            "Sends a reset link if an account has this email address. The response is always "
            "the same."
        ),
        request=PasswordResetSerializer,
        responses={204: NO_CONTENT},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(PasswordResetSerializer, request)
        password_reset.request_reset(**wanted, address=device_of(request).ip)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetConfirmationView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Reset the password",
        description=(
            "`uid` and `token` come from the emailed link. Every login of the account ends."
        ),
        request=PasswordResetConfirmationSerializer,
        responses={204: NO_CONTENT},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(PasswordResetConfirmationSerializer, request)
        password_reset.reset_password(**wanted, address=device_of(request).ip)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    @extend_schema(
        tags=["me"],
        summary="Get your profile",
        description="Includes the private fields, such as `email`.",
        responses=MeSerializer,
    )
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(current_user(request)).data)

    @extend_schema(
        tags=["me"],
        summary="Update your profile",
        description="Changing `email` requires `password`.",
        request=MeSerializer(partial=True),
        responses=MeSerializer,
    )
    def patch(self, request: Request) -> Response:
        changes = parsed(MeSerializer, request, partial=True)
        user = services.update_profile(user=current_user(request), **changes)
        return Response(MeSerializer(user).data)

    @extend_schema(
        tags=["me"],
        summary="Delete your account",
        description="Your messages stay and are shown as from “Deleted account”.",
        request=PasswordSerializer,
        responses={204: NO_CONTENT},
    )
    def delete(self, request: Request) -> Response:
        password = parsed(PasswordSerializer, request)["password"]
        services.delete_account(user=current_user(request), password=password)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AvatarView(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        tags=["me"],
        summary="Set your avatar",
        description="PNG, JPEG, WebP or GIF, up to 10 MiB. It is re-encoded as a square WebP.",
        request={"multipart/form-data": AvatarUploadSerializer},
        responses=MeSerializer,
    )
    def put(self, request: Request) -> Response:
        image = parsed(AvatarUploadSerializer, request)["file"]
        user = services.change_avatar(user=current_user(request), image=image)
        return Response(MeSerializer(user).data)

    @extend_schema(
        tags=["me"],
        summary="Remove your avatar",
        description="Repeating the request has no further effect.",
        responses={204: NO_CONTENT},
    )
    def delete(self, request: Request) -> Response:
        services.remove_avatar(user=current_user(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(APIView):
    @extend_schema(
        tags=["me"],
        summary="Change your password",
        description="Ends all your other logins.",
        request=PasswordChangeSerializer,
        responses={204: NO_CONTENT},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(PasswordChangeSerializer, request)
        services.change_password(user=current_user(request), **wanted, login=login_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class LoginsView(APIView):
    @extend_schema(
        tags=["me"],
        summary="List your logins",
        description="Most recently used first. `current` marks the login that sent the request.",
        responses=LoginSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        logins = Login.objects.active().filter(user=current_user(request)).order_by("-last_used_at")
        context = {"login": login_of(request)}
        return Response(LoginSerializer(logins, many=True, context=context).data)


class OneLoginView(APIView):
    @extend_schema(
        tags=["me"],
        summary="End a login",
        description="Revokes its tokens and session and closes its sockets.",
        responses={204: NO_CONTENT},
    )
    def delete(self, request: Request, login_id: uuid.UUID) -> Response:
        services.end_login_of(user=current_user(request), login_id=login_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class UserSearchQuery(PageQuery):
    search = QueryTextField(
        help_text="At least 2 characters, or 1 in a script written without spaces. Case, accents "
        "and a leading @ are ignored."
    )


class UsersView(APIView):
    @extend_schema(
        tags=["users"],
        summary="Search users",
        description=(
            "Finds people you can write to whose username or name has words that start with "
            "`search`."
        ),
        parameters=[UserSearchQuery],
        responses=UserPageSerializer,
    )
    def get(self, request: Request) -> Response:
        wanted = parsed_query(UserSearchQuery, request)
        page = services.find_users(
            user=current_user(request),
            text=wanted["search"],
            cursor=wanted["cursor"],
            limit=wanted["limit"],
        )
        return Response({"results": _users_json(request, page.users), "next": page.next})


class BlocksView(APIView):
    @extend_schema(
        tags=["me"],
        summary="List blocked users",
        description="Only visible to you.",
        responses=UserSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        users = User.objects.blocked_by(current_user(request))
        return Response([user_json(user) for user in users])


class BlockView(APIView):
    @extend_schema(
        tags=["users"],
        summary="Block a user",
        description="Their direct messages no longer reach you. They are not notified.",
        request=None,
        responses={204: NO_CONTENT},
    )
    def put(self, request: Request, username: str) -> Response:
        services.block(user=current_user(request), username=username)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        tags=["users"],
        summary="Unblock a user",
        description="Repeating the request has no further effect.",
        responses={204: NO_CONTENT},
    )
    def delete(self, request: Request, username: str) -> Response:
        services.unblock(user=current_user(request), username=username)
        return Response(status=status.HTTP_204_NO_CONTENT)


class UserView(APIView):
    @extend_schema(
        tags=["users"],
        summary="Get a user",
        description="`online` and `last_seen_at` are null if you may not see them.",
        responses=UserSerializer,
    )
    def get(self, request: Request, username: str) -> Response:
        user = User.objects.reachable().named(username).first()
        if user is None:
            raise NotFound
        return Response(_users_json(request, [user])[0])


class WebPRenderer(BaseRenderer):
    media_type = "image/webp"
    format = "webp"
    charset = None


class AvatarImageView(BinaryView):
    """Serves the image. A new avatar has a new name, so browsers may cache it forever."""

    renderer_classes = (WebPRenderer,)
    throttle_classes = ()  # a page shows up to a hundred of them

    @extend_schema(
        tags=["users"],
        summary="Get an avatar",
        responses={(200, "image/webp"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, name: str) -> FileResponse:
        user = User.objects.filter(avatar=f"avatars/{name}.webp").first()
        if user is None:
            raise NotFound
        response = FileResponse(_open_avatar(user), content_type="image/webp")
        response["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


def _users_json(request: Request, users: list[User]) -> list[dict[str, Any]]:
    """Return the users with the presence that the current user may see."""
    viewer = current_user(request)
    contacts = {user.id for user in contacts_among(viewer, users)}
    visible = presence.seen_by(viewer, users, contacts=contacts)
    return [user_json(user, visible.get(user.id, presence.HIDDEN)) for user in users]


def _open_avatar(user: User) -> File[bytes]:
    try:
        return user.avatar.open()
    except FileNotFoundError:  # replaced since the query
        raise NotFound from None


def _login_json(login: Login) -> dict[str, Any]:
    pair = token_pair(login)
    return {
        "user": MeSerializer(login.user).data,
        "access": pair.access,
        "refresh": pair.refresh,
    }


def _received_at(request: Request) -> datetime:
    """Return when the server received the request, which may then have waited for a thread."""
    scope = getattr(request._request, "scope", {})
    received_at: datetime = scope.get("received_at") or timezone.now()
    return received_at
