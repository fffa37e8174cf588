"""`/es/<path>`: one route for all that may be asked."""

from flask import Blueprint, Response, request

from app.audit import note
from app.es.allowed import check_request
from app.services import services

blueprint = Blueprint("es", __name__)
_HANDED_ON = ("Content-Type", "Accept", "X-Opaque-Id")
_LONGEST_NOTE = 10_000


@blueprint.route("/es/<path:path>", methods=["GET", "POST", "DELETE"])
def query(path: str) -> Response:
    """Ask Elasticsearch, where that only reads images."""
    body = request.get_data()
    index = services().settings.index
    check_request(request.method, path, frozenset(request.args), body, index)
    asked = " ".join((request.method, path, request.query_string.decode("latin-1"), body.decode("utf-8", "replace")))
    note(query=asked[:_LONGEST_NOTE])
    headers = {name: request.headers[name] for name in _HANDED_ON if name in request.headers}
    passed = services().elasticsearch.pass_on(
        request.method, path, request.query_string.decode("latin-1"), body, headers
    )
    return Response(passed.body, passed.status, headers=dict(passed.headers))
