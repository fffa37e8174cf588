"""The index behind its two aliases: created once, compared with the code by a hash.

One index stands behind both aliases, `<index>` for reading and `<index>-write`; it is never rolled over, because the
same `_id` in two indices would count twice.
"""

from dataclasses import dataclass

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from mappings.template import index_template, template_hash

FIRST_NUMBER = 1


class IndexMissingError(Exception):
    """There is no index behind the alias."""


@dataclass(frozen=True, slots=True)
class IndexVersion:
    """Which index is behind the reading alias, and whether this code made its mapping."""

    name: str
    hash: str
    is_current: bool


def write_alias(index: str) -> str:
    """Name the alias that documents are written to."""
    return f"{index}-write"


def numbered(index: str, number: int) -> str:
    """Name an index behind the alias: `dicom-images-000001`."""
    return f"{index}-{number:06d}"


def ensure_index(client: Elasticsearch, index: str, *, shards: int = 1, replicas: int = 0) -> str:
    """Create template, index and aliases where they are missing; safe when several processes start at once.

    An index that exists is left as it is, even where its mapping is older than the code.

    Parameters
    ----------
    client
        A client of Elasticsearch.
    index
        The alias for reading.
    shards, replicas
        Of a newly created index.

    Returns
    -------
    str
        The name of the index behind the aliases.
    """
    if client.indices.exists_alias(name=index):
        return current_version(client, index).name
    put_template(client, index, shards=shards, replicas=replicas)
    first = numbered(index, FIRST_NUMBER)
    try:
        client.indices.create(index=first, aliases={index: {}, write_alias(index): {"is_write_index": True}})
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
    return current_version(client, index).name


def put_template(client: Elasticsearch, index: str, *, shards: int, replicas: int) -> None:
    """Store the index template of this code."""
    body = index_template(index, shards=shards, replicas=replicas)
    client.indices.put_index_template(name=index, **body)


def current_version(client: Elasticsearch, index: str) -> IndexVersion:
    """Tell which index is behind the reading alias and which mapping it has.

    Raises
    ------
    IndexMissingError
        Where the alias does not exist.
    """
    try:
        answer = client.indices.get_mapping(index=index, filter_path="*.mappings._meta")
    except NotFoundError as error:
        raise IndexMissingError(f"there is no index behind the alias {index}") from error
    names = sorted(client.indices.get_alias(name=index))
    meta = answer.body.get(names[-1], {}).get("mappings", {}).get("_meta", {})
    found = str(meta.get("dicomsearch", {}).get("hash", ""))
    return IndexVersion(name=names[-1], hash=found, is_current=found == template_hash())


def index_is_older_than_code(client: Elasticsearch, index: str) -> bool:
    """Tell whether the index was made by another version of the mapping, so that `dicomsearch migrate` is due."""
    return not current_version(client, index).is_current
