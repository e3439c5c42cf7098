"""The serializer of the Redis cache. Django's own is pickle, which can run code."""

from __future__ import annotations

import json
from typing import Any


class JsonSerializer:
    """Store values as JSON, so that write access to Redis cannot run code in ChatFlow."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, text: bytes) -> Any:
        return json.loads(text)
