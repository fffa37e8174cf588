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


def migrating_alias(index: str) -> str:
    """Name the alias of the index that a migration fills; it exists only while one runs."""
    return f"{index}-migrating"


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


def migrating_to(client: Elasticsearch, index: str) -> str | None:
    """Name the index that a migration has begun to fill, if one has."""
    alias = migrating_alias(index)
    if not client.indices.exists_alias(name=alias):
        return None
    return sorted(client.indices.get_alias(name=alias))[-1]


def create_next(client: Elasticsearch, index: str, *, shards: int = 1, replicas: int = 0) -> str:
    """Create the index that a migration fills, with the mapping of this code.

    It is not refreshed and has no replicas while it is filled; what is deleted during that time is remembered for a
    day, so that the copy of an older state cannot bring it back.
    """
    put_template(client, index, shards=shards, replicas=replicas)
    name = numbered(index, max(_number(each) for each in all_indices(client, index)) + 1)
    client.indices.create(
        index=name,
        aliases={migrating_alias(index): {}},
        settings={"refresh_interval": "-1", "number_of_replicas": 0, "gc_deletes": "24h"},
    )
    return name


def replace_by(client: Elasticsearch, index: str, name: str, *, replicas: int = 0) -> None:
    """Put a filled index behind the aliases in one step, for whoever searches and for whoever writes.

    https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-update-aliases
    """
    client.indices.put_settings(
        index=name,
        settings={"refresh_interval": None, "number_of_replicas": replicas, "gc_deletes": None},
    )
    client.indices.refresh(index=name)
    old = current_version(client, index).name
    client.indices.update_aliases(
        actions=[
            {"remove": {"index": old, "alias": index}},
            {"remove": {"index": old, "alias": write_alias(index)}},
            {"remove": {"index": name, "alias": migrating_alias(index)}},
            {"add": {"index": name, "alias": index}},
            {"add": {"index": name, "alias": write_alias(index), "is_write_index": True}},
        ]
    )


def put_behind_aliases(client: Elasticsearch, index: str, name: str, *, instead_of: str | None) -> None:
    """Put an index behind the aliases as it is, in one step with taking away another one where there is one."""
    aliases = (index, write_alias(index))
    former = [{"remove": {"index": instead_of, "alias": alias}} for alias in aliases if instead_of is not None]
    client.indices.update_aliases(
        actions=[
            *former,
            {"add": {"index": name, "alias": index}},
            {"add": {"index": name, "alias": write_alias(index), "is_write_index": True}},
        ]
    )


def all_indices(client: Elasticsearch, index: str) -> list[str]:
    """Name all indices of this archive, the oldest first, whether an alias points to them or not."""
    names = client.indices.get(index=f"{index}-*", expand_wildcards="all", filter_path="*.settings.index.uuid")
    return sorted(name for name in names.body if _number(name))


def old_indices(client: Elasticsearch, index: str) -> list[str]:
    """Name the indices that former migrations have left behind."""
    in_use = {current_version(client, index).name, migrating_to(client, index)}
    return [name for name in all_indices(client, index) if name not in in_use]


def _number(name: str) -> int:
    digits = name.rpartition("-")[2]
    return int(digits) if len(digits) == 6 and digits.isdecimal() else 0


def index_is_older_than_code(client: Elasticsearch, index: str) -> bool:
    """Tell whether the index was made by another version of the mapping, so that `dicomsearch migrate` is due."""
    return not current_version(client, index).is_current
