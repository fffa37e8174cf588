"""Headers of every answer: pages run only their own scripts, load nothing from elsewhere, and are kept by nobody.

Values of headers are written by strangers; the templates escape them, and the content security policy is the second
wall.
"""

from flask import Flask, Response, request

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
PRIVATE = "private, no-cache"


def secure(app: Flask) -> None:
    """Add the headers to all answers of an application."""
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if request.endpoint is None or not request.endpoint.endswith("static"):
        # Pages and answers show patient data: no cache may keep them.
        # A picture may stay with the one who saw it, and is asked for again by its ETag.
        if headers.get("Cache-Control") != PRIVATE:
            headers["Cache-Control"] = "no-store"
    elif "v" not in request.args:
        # Only an address with a fingerprint of the content may be kept without asking again.
        headers["Cache-Control"] = "no-cache"
    return response
