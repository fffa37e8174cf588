"""Requests that change something are taken only from our own pages, or from programs.

There are no accounts yet, so there is no session that a token could belong to; and whoever can reach the server may
use it. What has to be kept out are pages of other sites that send requests through the browser of somebody who can.
Browsers mark each such request: `Sec-Fetch-Site` says where it comes from, and `Origin`, which every browser sends with
everything but GET and HEAD, names the site. So a form is taken only where one of the two proves that it is ours; a
request to `/api/` or `/es/` may also come without both, as programs send it, since no browser would. What it says must
be JSON, which no form can send; but for the bytes of a file, which are put, as no form can do either.
"""

from flask import Flask, abort, request

from app.accounts.guarding import is_for_programs

_SAFE = ("GET", "HEAD", "OPTIONS")
_WITH_BODY = ("POST", "PUT", "PATCH")
# Elasticsearch's own clients call it by other names, and send several searches as lines.
_JSON = {
    False: ("application/json",),
    True: (
        "application/json",
        "application/x-ndjson",
        "application/vnd.elasticsearch+json",
        "application/vnd.elasticsearch+x-ndjson",
    ),
}
_FILES = ("api_uploads.put_file",)


def guard(app: Flask) -> None:
    """Check all requests of an application before they are handled."""
    app.before_request(_check)


def _check() -> None:
    # Where no route takes the method nothing can change, and the answer should say so.
    if request.method in _SAFE or request.routing_exception is not None:
        return
    is_api = is_for_programs()
    if not _is_ours(else_=is_api):
        abort(403, "Only pages of dicomsearch itself may change something here: this request came from another site.")
    wants_json = is_api and request.method in _WITH_BODY and request.endpoint not in _FILES
    if wants_json and request.mimetype not in _JSON[request.path.startswith("/es/")]:
        abort(415, "Send JSON, with the header Content-Type: application/json.")


def _is_ours(*, else_: bool) -> bool:
    """Whether the browser says that a page of ours sent this; `else_` where it says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is not None:
        # The scheme is not compared: behind a proxy that ends TLS it is not known.
        return origin.partition("://")[2] == request.host
    return site is not None or else_
