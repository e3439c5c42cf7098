"""Accounts over JSON: coming in, one's profile and logins, the directory of people."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.core.files import File
from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import presence, recovery, services
from accounts.authentication import asker, login_of
from accounts.models import Login, User
from accounts.serializers import (
    CredentialsSerializer,
    LoginSerializer,
    MeSerializer,
    PasswordChangeSerializer,
    PasswordResetConfirmationSerializer,
    PasswordResetSerializer,
    PasswordSerializer,
    PictureSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    SignedInSerializer,
    TokensSerializer,
    UserPageSerializer,
    UserSerializer,
)
from accounts.services import Device
from accounts.tokens import token_pair
from chatflow.errors import NotFound
from chatflow.parsing import limit_of, parsed
from conversations.access import contacts_among
from messaging.downloads import ZIP_TYPE, download
from messaging.export import export

PRIVACY = ("last_seen_to", "shows_read_receipts")
NOTHING = OpenApiResponse(description="Done; nothing to say.")


class OpenView(APIView):
    """For whoever is not signed in yet; a stale token beside the request does no harm."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class RegisterView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Create an account and sign in",
        description="Refused while registration is closed on this server.",
        request=RegistrationSerializer,
        responses={201: SignedInSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(RegistrationSerializer, request)
        login = services.register(**wanted, device=_device(request))
        return Response(_signed_in(login), status=status.HTTP_201_CREATED)


class LoginView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Sign in",
        description="By username or email, in any case.",
        request=CredentialsSerializer,
        responses=SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        credentials = parsed(CredentialsSerializer, request)
        return Response(_signed_in(services.sign_in(**credentials, device=_device(request))))


class RefreshView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Get the next pair of tokens",
        description="A refresh token is good once; using it again ends the whole login.",
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
        summary="Sign out",
        description="The login's tokens are dead at once and its sockets close.",
        request=RefreshSerializer,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        refresh = parsed(RefreshSerializer, request)["refresh"]
        services.end_login_of_refresh_token(refresh=refresh, user=asker(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Forgot my password",
        description="Mails a link to whoever has this email. The answer is always the same.",
        request=PasswordResetSerializer,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(PasswordResetSerializer, request)
        recovery.ask_for_reset(**wanted, address=_device(request).ip)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetConfirmationView(OpenView):
    @extend_schema(
        tags=["auth"],
        summary="Choose a new password by a mailed link",
        description="`uid` and `token` are in the link. Every login ends.",
        request=PasswordResetConfirmationSerializer,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        recovery.reset_password(**parsed(PasswordResetConfirmationSerializer, request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    @extend_schema(
        tags=["me"],
        summary="My profile",
        description="With what only I see of it.",
        responses=MeSerializer,
    )
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(asker(request)).data)

    @extend_schema(
        tags=["me"],
        summary="Change my profile",
        description="A new `email` needs the `password`.",
        request=MeSerializer(partial=True),
        responses=MeSerializer,
    )
    def patch(self, request: Request) -> Response:
        changes = parsed(MeSerializer, request, partial=True)
        password = changes.pop("password", "")
        user = asker(request)
        if "email" in changes:
            services.change_email(user=user, email=changes.pop("email"), password=password)
        privacy = {name: changes.pop(name) for name in PRIVACY if name in changes}
        if privacy:
            services.update_privacy(user=user, **privacy)
        if changes:
            services.update_profile(user=user, **changes)
        return Response(MeSerializer(user).data)

    @extend_schema(
        tags=["me"],
        summary="Delete my account",
        description="Messages stay, under “Deleted account”.",
        request=PasswordSerializer,
        responses={204: NOTHING},
    )
    def delete(self, request: Request) -> Response:
        password = parsed(PasswordSerializer, request)["password"]
        services.delete_account(user=asker(request), password=password)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AvatarView(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        tags=["me"],
        summary="Set my picture",
        description="PNG, JPEG, WebP or GIF up to 10 MiB; stored anew as a square WebP.",
        request={"multipart/form-data": PictureSerializer},
        responses=MeSerializer,
    )
    def put(self, request: Request) -> Response:
        picture = parsed(PictureSerializer, request)["file"]
        return Response(
            MeSerializer(services.change_avatar(user=asker(request), picture=picture)).data
        )

    @extend_schema(
        tags=["me"],
        summary="Remove my picture",
        description="Again changes nothing.",
        responses={204: NOTHING},
    )
    def delete(self, request: Request) -> Response:
        services.remove_avatar(user=asker(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(APIView):
    @extend_schema(
        tags=["me"],
        summary="Change my password",
        description="Every other login of mine ends.",
        request=PasswordChangeSerializer,
        responses={204: NOTHING},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(PasswordChangeSerializer, request)
        services.change_password(user=asker(request), **wanted, login=login_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ZipRenderer(BaseRenderer):
    media_type = ZIP_TYPE
    format = "zip"
    charset = None


class BytesView(APIView):
    """Answers its one kind of bytes, whatever the client says it accepts."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        (renderer,) = self.get_renderers()
        return renderer, renderer.media_type


class ExportView(BytesView):
    renderer_classes = (ZipRenderer,)

    @extend_schema(
        tags=["me"],
        summary="Export my data",
        description=(
            "A zip of profile, sign-ins, conversations and messages, made while it is sent; its "
            "README.txt tells what is in it. One at a time."
        ),
        request=PasswordSerializer,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        password = parsed(PasswordSerializer, request)["password"]
        return download(export(user=asker(request), password=password))


class LoginsView(APIView):
    @extend_schema(
        tags=["me"],
        summary="Where I am signed in",
        description="The one used last comes first; `current` is the one that asks.",
        responses=LoginSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        logins = Login.objects.living().filter(user=asker(request)).order_by("-last_used_at")
        context = {"login": login_of(request)}
        return Response(LoginSerializer(logins, many=True, context=context).data)


class OneLoginView(APIView):
    @extend_schema(
        tags=["me"],
        summary="Sign out there",
        description="Its tokens, session and sockets end.",
        responses={204: NOTHING},
    )
    def delete(self, request: Request, login_id: uuid.UUID) -> Response:
        services.end_login_of(user=asker(request), login_id=login_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PeopleView(APIView):
    @extend_schema(
        tags=["people"],
        summary="Find people",
        description="Whom I may write to, by the beginning of a username or of a word of a name.",
        parameters=[
            OpenApiParameter("search", str, required=True, description="2 characters at least."),
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            OpenApiParameter("limit", int, description="1 to 100, 50 by default."),
        ],
        responses=UserPageSerializer,
    )
    def get(self, request: Request) -> Response:
        limit = limit_of(request)
        people = services.find_by_text(
            user=asker(request),
            text=request.query_params.get("search", ""),
            after=request.query_params.get("cursor", ""),
        )
        found = list(people[: limit + 1])
        following = found[limit - 1].username if len(found) > limit else None
        return Response({"results": _shown(request, found[:limit]), "next": following})


class BlocksView(APIView):
    @extend_schema(
        tags=["me"],
        summary="Whom I block",
        description="Only I know it.",
        responses=UserSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        people = User.objects.blocked_by(asker(request))
        return Response(UserSerializer(people, many=True).data)


class BlockView(APIView):
    @extend_schema(
        tags=["people"],
        summary="Block somebody",
        description="Nothing of theirs arrives in private from now on; they are not told.",
        request=None,
        responses={204: NOTHING},
    )
    def put(self, request: Request, username: str) -> Response:
        services.block(user=asker(request), username=username)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        tags=["people"],
        summary="Lift a block",
        description="Again changes nothing.",
        responses={204: NOTHING},
    )
    def delete(self, request: Request, username: str) -> Response:
        services.unblock(user=asker(request), username=username)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PersonView(APIView):
    @extend_schema(
        tags=["people"],
        summary="One profile",
        description="`online` and `last_seen_at` are null where I may not know them.",
        responses=UserSerializer,
    )
    def get(self, request: Request, username: str) -> Response:
        user = User.objects.reachable().named(username).first()
        if user is None:
            raise NotFound
        return Response(_shown(request, [user])[0])


class WebPRenderer(BaseRenderer):
    media_type = "image/webp"
    format = "webp"
    charset = None


class PictureView(BytesView):
    """The pictures themselves. A picture's name changes with the picture."""

    renderer_classes = (WebPRenderer,)

    @extend_schema(
        tags=["people"],
        summary="A profile picture",
        responses={(200, "image/webp"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, name: str) -> FileResponse:
        user = User.objects.filter(avatar=f"avatars/{name}.webp").first()
        if user is None:
            raise NotFound
        response = FileResponse(_opened(user), content_type="image/webp")
        response["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


def _shown(request: Request, people: list[User]) -> list[dict[str, Any]]:
    """With their presence, as far as the asker may know it."""
    contacts = {user.id for user in contacts_among(asker(request), people)}
    known = presence.seen_by(asker(request), people, contacts=contacts)
    return list(UserSerializer(people, many=True, context={"presence": known}).data)


def _opened(user: User) -> File[bytes]:
    try:
        return user.avatar.open()
    except FileNotFoundError:  # replaced by another picture since the query
        raise NotFound from None


def _device(request: Request) -> Device:
    return Device(
        kind=Login.Kind.API,
        user_agent=request.headers.get("User-Agent", ""),
        ip=request.META.get("REMOTE_ADDR", ""),
    )


def _signed_in(login: Login) -> dict[str, Any]:
    pair = token_pair(login)
    return {
        "user": MeSerializer(login.user).data,
        "access": pair.access,
        "refresh": pair.refresh,
    }


def _received_at(request: Request) -> datetime:
    """When the request reached the server, not when a thread was free for it."""
    scope = getattr(request._request, "scope", {})
    received_at: datetime = scope.get("received_at") or timezone.now()
    return received_at
