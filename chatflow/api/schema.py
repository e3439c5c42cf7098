"""Describe in the OpenAPI schema what all endpoints share: names, errors and authentication."""

from __future__ import annotations

from typing import Any, Literal

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "description": "`urn:chatflow:` followed by a stable error code.",
        },
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}

PROBLEM_REFERENCE = {"$ref": "#/components/schemas/Problem"}
LOCATION = {
    "description": "The URI of the new resource.",
    "schema": {"type": "string", "format": "uri-reference"},
}


class Schema(AutoSchema):
    def get_operation_id(self) -> str:
        """Return the method and the path, for example `post_conversations_messages`."""
        words = [part for part in self.path.strip("/").split("/") if part]
        named = [part.strip("{}").removesuffix("_id") for part in words]
        return "_".join([self.method.lower(), *named])

    def _get_request_body(
        self, direction: Literal["request", "response"] = "request"
    ) -> dict[str, Any] | None:
        """Describe the password in the body of `DELETE /users/me`. drf-spectacular ignores it."""
        if self.method != "DELETE" or self.path != "/users/me":
            body: dict[str, Any] | None = super()._get_request_body(direction)
            return body
        serializer = self.get_request_serializer()
        assert serializer is not None
        component = self.resolve_serializer(serializer, direction)
        return {"content": {"application/json": {"schema": component.ref}}, "required": True}

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        if created := bodies.get("201"):
            created["headers"] = {"Location": LOCATION}
        return bodies | {
            "default": {
                "description": "Error.",
                "headers": {
                    "Retry-After": {
                        "description": "Seconds to wait; sent with 429 and 503.",
                        "schema": {"type": "integer"},
                    }
                },
                "content": {"application/problem+json": {"schema": PROBLEM_REFERENCE}},
            }
        }


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.auth.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class BrowserScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.auth.authentication.BrowserAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
