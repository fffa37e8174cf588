"""Commands that compare a batch with disk and index: `dicomsearch sync`, `verify`, `clean`."""

import click

from indexer import operations
from indexer.cli.operating import as_json, files, json_option, operation, shown
from indexer.operations import LISTED, SyncReport, VerifyReport
from indexer.services import Services


@click.command()
@operation
@click.option("--apply", is_flag=True, help="Let search and status follow the disk.")
@click.option(
    "--even-if-the-folder-is-gone",
    "folder_may_be_gone",
    is_flag=True,
    help="Believe a folder that has disappeared or is empty; otherwise its disk counts as not mounted.",
)
@json_option
@click.pass_context
def sync(ctx: click.Context, services: Services, batch: str, apply: bool, folder_may_be_gone: bool, json: bool) -> None:
    """Compare BATCH with its folder: which files are gone, changed or new.

    Exit code: 0 when they agree or --apply was given, 1 when they do not.
    """
    with shown("Comparing") as progress:
        report = operations.sync(services, batch, apply=apply, folder_may_be_gone=folder_may_be_gone, progress=progress)
    differs = bool(report.gone or report.changed or report.new)
    if json:
        click.echo(as_json(report, batch=batch))
    else:
        _tell_sync(batch, report, differs=differs)
    ctx.exit(1 if differs and not apply else 0)


def _tell_sync(batch: str, report: SyncReport, *, differs: bool) -> None:
    if not differs:
        click.echo(f"{batch} is as its folder.")
    for sign, paths, number in (
        ("gone", report.gone_paths, report.gone),
        ("changed", report.changed_paths, report.changed),
        ("new", report.new_paths, report.new),
    ):
        for path in paths:
            click.echo(f"{sign:8}{path}")
        if number > len(paths):
            click.echo(f"{sign:8}… and {number - len(paths):,} more")
    if differs:
        click.echo(f"{batch}: {files(report.gone)} gone, {report.changed:,} changed, {report.new:,} new.")
        if report.applied:
            click.echo("Files that are gone are not found any more; changed and new ones are queued.")
        else:
            click.echo("Nothing was changed: `--apply` does it.")
    if report.cleaned:
        click.echo(f"{files(report.cleaned)} not there because the batch was cleaned up; they are still found.")
    if report.unlistable:
        click.echo(f"{report.unlistable:,} folders cannot be listed.")


@click.command()
@operation
@click.option("--files", "with_files", is_flag=True, help="Compare with the files on disk, too.")
@click.option("--repair", is_flag=True, help="Repair what differs; images without a document are queued again.")
@json_option
@click.pass_context
def verify(ctx: click.Context, services: Services, batch: str, with_files: bool, repair: bool, json: bool) -> None:
    """Compare the status of BATCH with the index.

    Exit code: 0 when they agree or were repaired, 1 when they do not.
    """
    with shown("Comparing") as progress:
        report = operations.verify(services, batch, repair=repair, files=with_files, progress=progress)
    if json:
        click.echo(as_json(report, batch=batch, agrees=report.agrees))
    else:
        _tell_verify(batch, report)
    ctx.exit(0 if report.agrees or repair else 1)


def _tell_verify(batch: str, report: VerifyReport) -> None:
    for difference in report.differences:
        click.echo(f"{difference.kind:14}{difference.what}: {difference.detail}")
    total = sum(report.counts.values())
    if total > LISTED:
        click.echo(f"… and {total - LISTED:,} more")
    compared = f"{report.images:,} images and {report.documents:,} documents compared"
    if report.agrees:
        click.echo(f"{batch}: {compared}, no difference.")
        return
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(report.counts.items()))
    click.echo(f"{batch}: {compared}: {kinds}.")
    click.echo("Repaired; what was lost is queued." if report.repaired else "Nothing was changed: `--repair` does it.")


@click.command()
@operation
@json_option
@click.pass_context
def clean(ctx: click.Context, services: Services, batch: str, json: bool) -> None:
    """Delete or archive the files of BATCH, as DICOMSEARCH_CLEANUP says.

    Workers do this by themselves when a batch is done. Exit code: 0, or 1 when nothing may be done.
    """
    with shown("Cleaning up") as progress:
        cleaned = operations.clean(services, batch, progress=progress)
    if json:
        click.echo(as_json(cleaned, batch=batch))
    elif cleaned.refused:
        click.echo(f"{batch} is not cleaned up: {cleaned.refused}.")
    else:
        click.echo(
            f"{batch}: {files(cleaned.files)} {'archived' if cleaned.how == 'archive' else 'deleted'}, "
            f"{cleaned.folders:,} empty folders deleted."
        )
        for reason, number in cleaned.kept.items():
            click.echo(f"{files(number)} kept: {reason}")
    ctx.exit(1 if cleaned.refused else 0)
