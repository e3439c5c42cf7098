"""Users and logins as JSON, for the API and the sockets, and the request bodies of the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from accounts.models import Login, User
from accounts.presence import HIDDEN, Presence
from chatflow.api.parsing import EmailField, FlagField, TextField
from chatflow.times import iso


class AuthorSerializer(serializers.ModelSerializer[User]):
    avatar_url = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = User
        fields = ("id", "username", "display_name", "avatar_url")
        read_only_fields = fields


def author(user: User | None) -> dict[str, Any] | None:
    """Return the user as the author of a message, or None for a deleted account."""
    if user is None or user.is_deleted:
        return None
    return {
        "id": str(user.id),
        "username": user.username,
        "display_name": user.display_name,
        "avatar_url": user.avatar_url,
    }


def presence_json(user: User, presence: Presence) -> dict[str, Any]:
    return {
        "user": {"id": str(user.id), "username": user.username},
        "online": presence.online,
        "last_seen_at": iso(presence.last_seen_at),
    }


def user_json(user: User, presence: Presence = HIDDEN) -> dict[str, Any]:
    """Return the user with the presence that the reader may see."""
    return {
        "id": str(user.id),
        "username": user.username,
        "display_name": user.name,
        "about": user.about,
        "avatar_url": user.avatar_url,
        "online": presence.online,
        "last_seen_at": iso(presence.last_seen_at),
    }


# Describes `user_json` in the schema. This is not a docstring, because the schema would show it.
class UserSerializer(AuthorSerializer):
    online = serializers.BooleanField(read_only=True, allow_null=True)
    last_seen_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta(AuthorSerializer.Meta):
        fields = (  # type: ignore[assignment]
            "id", "username", "display_name", "about", "avatar_url", "online", "last_seen_at",
        )  # fmt: skip
        read_only_fields = fields  # type: ignore[assignment]


class UserPageSerializer(serializers.Serializer[Any]):
    results = UserSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class MeSerializer(UserSerializer):
    """The current user's profile. Changing the email requires the password."""

    serializer_field_mapping: ClassVar = {
        **UserSerializer.serializer_field_mapping,
        models.BooleanField: FlagField,
        models.CharField: TextField,
    }
    email = EmailField(required=False)
    password = TextField(write_only=True, max_length=1000, required=False, trim_whitespace=False)

    class Meta(UserSerializer.Meta):
        fields = (  # type: ignore[assignment]
            *UserSerializer.Meta.fields,
            "email", "created_at", "last_seen_to", "shows_read_receipts", "password",
        )  # fmt: skip
        read_only_fields = (  # type: ignore[assignment]
            "id", "username", "avatar_url", "online", "last_seen_at", "created_at",
        )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "email" in attrs and "password" not in attrs:
            raise serializers.ValidationError(
                {"password": ["Required to change the email address."]}
            )
        return attrs

    def to_representation(self, instance: User) -> dict[str, Any]:
        return user_json(instance) | {
            "email": instance.email,
            "created_at": iso(instance.created_at),
            "last_seen_to": instance.last_seen_to,
            "shows_read_receipts": instance.shows_read_receipts,
        }


class RegistrationSerializer(serializers.Serializer[Any]):
    username = TextField(max_length=150)
    email = EmailField()
    password = TextField(max_length=1000, trim_whitespace=False)
    display_name = TextField(max_length=60, required=False, allow_blank=True)


class CredentialsSerializer(serializers.Serializer[Any]):
    login = TextField(max_length=254)
    password = TextField(max_length=1000, trim_whitespace=False)


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = TextField(max_length=2000)


class TokensSerializer(serializers.Serializer[Any]):
    access = TextField()
    refresh = TextField()


class SignedInSerializer(TokensSerializer):
    user = MeSerializer()


class PasswordResetSerializer(serializers.Serializer[Any]):
    email = EmailField(max_length=254)


class PasswordResetConfirmationSerializer(serializers.Serializer[Any]):
    uid = TextField(max_length=36)
    token = TextField(max_length=100)
    password = TextField(max_length=1000, trim_whitespace=False)


class PasswordChangeSerializer(serializers.Serializer[Any]):
    current = TextField(max_length=1000, trim_whitespace=False)
    new = TextField(max_length=1000, trim_whitespace=False)


class PasswordSerializer(serializers.Serializer[Any]):
    password = TextField(max_length=1000, trim_whitespace=False)


class AvatarUploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()


class LoginSerializer(serializers.ModelSerializer[Login]):
    current = serializers.SerializerMethodField()

    class Meta:
        model = Login
        fields = ("id", "kind", "user_agent", "ip", "created_at", "last_used_at", "current")
        read_only_fields = fields

    def get_current(self, login: Login) -> bool:
        current: Login = self.context["login"]
        return login.id == current.id
