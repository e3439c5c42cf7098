"""The API of the search."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth.authentication import current_user
from chatflow.api.parsing import MomentField, PageQuery, QueryTextField, parsed_query
from conversations.models import Conversation
from messaging.search.query import Query
from messaging.search.results import Found, search
from messaging.serializers import MessageSerializer, message_json

WORDS = (
    "Finds messages that contain all of these words. Words of three characters or more also match "
    "the beginning of longer words; in scripts written without spaces, any sequence of characters "
    "matches. Case and accents are ignored, and there are no operators. At most 200 characters."
)
MOMENT = "A time, or a date, which means its start in UTC."


class SearchQuery(PageQuery):
    q = QueryTextField(help_text=WORDS)
    conversation = serializers.UUIDField(default=None, help_text="Search only this conversation.")
    sender = QueryTextField(default="", help_text="Search only messages from this username.")
    after = MomentField(
        default=None, help_text=f"Only messages sent at this time or later. {MOMENT}"
    )
    before = MomentField(default=None, help_text=f"Only messages sent before this time. {MOMENT}")


class FoundConversationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Conversation.Kind.choices)
    title = serializers.CharField()


class FoundSerializer(serializers.Serializer[Any]):
    message = MessageSerializer()
    conversation = FoundConversationSerializer()
    highlights = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="`[start, end]` of each match in the body, in code points. Matches in the names "
        "of attachments are not listed.",
    )


class FoundPageSerializer(serializers.Serializer[Any]):
    results = FoundSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SearchView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="Search messages",
        description=(
            "Searches all your conversations or one of them, newest first. A page may have fewer "
            "results than `limit`; there are more pages as long as `next` is not null."
        ),
        parameters=[SearchQuery],
        responses=FoundPageSerializer,
    )
    def get(self, request: Request) -> Response:
        parameters = parsed_query(SearchQuery, request)
        query = Query(
            text=parameters["q"],
            conversation=parameters["conversation"],
            sender=parameters["sender"],
            after=parameters["after"],
            before=parameters["before"],
        )
        page = search(
            user=current_user(request),
            query=query,
            cursor=parameters["cursor"],
            limit=parameters["limit"],
        )
        return Response(
            {"results": [found_json(found) for found in page.results], "next": page.next}
        )


def found_json(found: Found) -> dict[str, Any]:
    return {
        "message": message_json(found.message, since_seq=found.membership.since_seq),
        "conversation": {
            "id": str(found.membership.conversation_id),
            "kind": found.membership.conversation.kind,
            "title": found.membership.title,
        },
        "highlights": found.spans,
    }
