"""`dicomsearch settings`: every setting with its variable, default and meaning; docs/settings.md has the same table."""

import click
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from indexer.settings import DEFAULT_SECRETS, PREFIX, SECRETS_DIR, Limits, Settings


def settings_table() -> str:
    """Write all settings as a Markdown table, one row for each environment variable."""
    rows = [_row(PREFIX + name.upper(), field) for name, field in Settings.model_fields.items() if not _is_group(field)]
    rows.append(f"| `{SECRETS_DIR}` | `{DEFAULT_SECRETS}` | folder with a file for each setting that is a secret |")
    rows += [_row(f"{PREFIX}LIMIT_{name.upper()}", field) for name, field in Limits.model_fields.items()]
    return "\n".join(["| variable | default | what it is |", "| --- | --- | --- |", *rows]) + "\n"


def _is_group(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings)


def _row(variable: str, field: FieldInfo) -> str:
    default = "" if field.default is None else f"`{field.default}`"
    return f"| `{variable}` | {default} | {field.description} |"


@click.command()
def settings() -> None:
    """Print every setting: its environment variable, default and meaning."""
    click.echo(settings_table(), nl=False)
