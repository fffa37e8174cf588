"""A client of Elasticsearch with the credentials of the settings, and why it does not do what it is asked."""

import re
import ssl
from collections.abc import Iterator
from typing import Any

from elastic_transport import ConnectionError as LostConnectionError
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch

from indexer.settings import PREFIX, Settings, SettingsError

_PASSWORD = PREFIX + "ELASTICSEARCH_PASSWORD"
_URL, _CA = PREFIX + "ELASTICSEARCH_URL", PREFIX + "ELASTICSEARCH_CA"
# What OpenSSL says of a certificate, by its number: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_NOT_YET, _EXPIRED = 9, 10
_OTHER_AUTHORITY = frozenset({2, 18, 19, 20, 21, 7, 24})
_OTHER_NAME = frozenset({62, 64})


def connect_elasticsearch(settings: Settings, **options: Any) -> Elasticsearch:
    """Open a client; nothing is asked of anyone yet.

    Parameters
    ----------
    options
        Of the client: how long and how often it tries.

    Raises
    ------
    SettingsError
        There is no usable certificate where the settings say.
    """
    return _client(settings, settings.elasticsearch_username, settings.elasticsearch_password, **options)


def connect_query_user(settings: Settings, **options: Any) -> Elasticsearch:
    """Open a client that may only search; errors name `DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD`.

    Where the settings have no such password, Elasticsearch is asked without one.
    """
    return _client(settings, settings.elasticsearch_query_username, settings.elasticsearch_query_password, **options)


def _client(settings: Settings, user: str, password: Any, **options: Any) -> Elasticsearch:
    if password is not None:
        options["basic_auth"] = (user, password.get_secret_value())
    if settings.elasticsearch_url.startswith("https:") and settings.elasticsearch_ca is not None:
        options["ssl_context"] = trusting(settings)
    return Elasticsearch(settings.elasticsearch_url, **options)


def trusting(settings: Settings) -> ssl.SSLContext:
    """Build what checks https servers by the authority of the settings, or by those that the system trusts.

    Raises
    ------
    SettingsError
        There is no usable certificate where the settings say.
    """
    try:
        return ssl.create_default_context(cafile=settings.elasticsearch_ca)
    except OSError as error:  # ssl.SSLError is one
        reason = "is no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(f"{_CA}: {settings.elasticsearch_ca}: {reason}") from error


def explain(error: TransportError | ApiError, variable: str = _PASSWORD) -> str:
    """Say in one line why Elasticsearch did not do what it was asked for.

    Parameters
    ----------
    variable
        Which setting has the password of the client that asked.
    """
    if refused := refusal(error, variable):
        return refused
    match error:
        case ApiError():
            return f"Elasticsearch answered {error.status_code} ({error.error})"
        case ConnectionTimeout():
            return "Elasticsearch does not answer in time"
        case LostConnectionError():
            return "Elasticsearch cannot be reached"
    return f"Elasticsearch does not answer as it should ({type(error).__name__})"


def refusal(error: BaseException | None, variable: str = _PASSWORD) -> str | None:
    """Say in one line what is wrong with password, rights or certificate; None where that is not the reason.

    Waiting does not mend these: somebody has to change a setting, or run `dicomsearch setup files`.
    """
    match error:
        case AuthenticationException():
            return _wrong_password(_reason(error), variable)
        case AuthorizationException():
            return _missing_right(_reason(error))
        case TlsError():
            return _explain_tls(error)
    return None


def _wrong_password(reason: str, variable: str) -> str:
    if found := re.search(r"unable to authenticate user \[([^\]]*)\]", reason):
        return f"{variable} is not the password of the user {found.group(1)!r} of Elasticsearch"
    if reason:
        return f"Elasticsearch asks for a password: set {variable}"
    # It gives no reason where it was only asked whether something exists.
    user = variable.removesuffix("PASSWORD") + "USERNAME"
    return f"Elasticsearch refuses us: {variable} is not the password of {user}, or is not set"


def _missing_right(reason: str) -> str | None:
    """Say what a user may not do; a block of an index, as of a full disk, is a 403 too, but no matter of rights."""
    if found := re.search(r"action \[([^\]]*)\] is unauthorized for .*?user \[([^\]]*)\]", reason):
        action, user = found.groups()
        return f"the user {user!r} of Elasticsearch may not do {action!r}: `dicomsearch setup files` makes its roles"
    if not reason:
        return "our user of Elasticsearch lacks a right: `dicomsearch setup files` makes its roles"
    return None


def _reason(error: ApiError) -> str:
    """What Elasticsearch gives as reason; of it only users and actions are used, which are never of a header."""
    details = error.info.get("error", {}) if isinstance(error.info, dict) else {}
    return str(details.get("reason", "")) if isinstance(details, dict) else ""


def _explain_tls(error: TlsError) -> str:
    where = "the certificate of Elasticsearch"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code == _EXPIRED:
                return f"{where} has expired: `dicomsearch setup files` renews those that it has made"
            if cause.verify_code == _NOT_YET:
                return f"{where} is not valid yet: is the clock of this machine right?"
            if cause.verify_code in _OTHER_AUTHORITY:
                return f"{where} is not signed by the authority of {_CA}"
            if cause.verify_code in _OTHER_NAME:
                return f"{where} is for other names than that of {_URL}"
            return f"{where} is refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
            return f"Elasticsearch does not speak https: {_URL} has to begin with http://"
    return "Elasticsearch cannot be reached by https (TLS error)"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Walk over what has led to an error, the client's own lists of it included."""
    seen: set[int] = set()
    open_ = [error]
    while open_:
        one = open_.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        open_ += [*getattr(one, "errors", ()), *(arg for arg in one.args if isinstance(arg, BaseException))]
        open_ += [getattr(one, "reason", None) if isinstance(getattr(one, "reason", None), BaseException) else None]
        open_ += [one.__cause__, one.__context__]
