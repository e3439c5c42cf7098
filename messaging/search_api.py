"""Search over JSON."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import asker
from chatflow.parsing import id_of, limit_of, moment_of
from messaging.queries import Query
from messaging.search import search
from messaging.serializers import FoundPageSerializer, found_json

WORDS = (
    "Words, all of which have to be said: of three characters or more also as the beginning of a "
    "word, shorter ones as they stand; without spaces, any characters in a row. Case and "
    "accents make no difference, and nothing is an operator. 200 characters at most."
)
MOMENT = "A time, or a date, which is its beginning in UTC."


class SearchView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="Search",
        description=(
            "In all of one's conversations, or in one; the newest first. A page may have fewer "
            "results than `limit`: there is more for as long as `next` is not null."
        ),
        parameters=[
            OpenApiParameter("q", str, required=True, description=WORDS),
            OpenApiParameter("conversation", OpenApiTypes.UUID, description="Only in this one."),
            OpenApiParameter("sender", str, description="Only what this username has said."),
            OpenApiParameter("after", str, description=f"From then on. {MOMENT}"),
            OpenApiParameter("before", str, description=f"Until then, without it. {MOMENT}"),
            OpenApiParameter("limit", int, description="1 to 100, 50 by default."),
            OpenApiParameter("cursor", str, description="`next` of the page before."),
        ],
        responses=FoundPageSerializer,
    )
    def get(self, request: Request) -> Response:
        query = Query(
            text=request.query_params.get("q", ""),
            conversation=id_of(request, "conversation"),
            sender=request.query_params.get("sender", ""),
            after=moment_of(request, "after"),
            before=moment_of(request, "before"),
        )
        page = search(
            user=asker(request),
            query=query,
            cursor=request.query_params.get("cursor", ""),
            limit=limit_of(request),
        )
        return Response(
            {"results": [found_json(found) for found in page.results], "next": page.next}
        )
