"""Answers that a client may keep if it asks again whether they still hold: by ETag, so that a 304 says it in few bytes.

The tag is a digest of the answer itself. It is right whatever the answer depends on: the document, its mapping, our
own code.
"""

import hashlib
from typing import Any

from flask import Response, request

from app.security import PRIVATE

NOT_CHANGED: dict[str | int, Any] = {
    "304": {"description": "nothing has changed since the answer whose `ETag` the request names in `If-None-Match`"}
}
"""For the `responses` of a route."""


def revalidated(response: Response) -> Response:
    """Give an answer its tag; where the client has the very same already, say only that."""
    tag = hashlib.sha256(response.get_data()).hexdigest()[:32]
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304)
    response.set_etag(tag)
    response.headers["Cache-Control"] = PRIVATE
    return response
