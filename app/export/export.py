"""An export: the results of a search, read page by page and written in a format, in the memory of one page."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import structlog

from app.archive import LARGEST_PAGE, Archive, ArchiveUnavailableError, QueryRefusedError, Reading, SearchRequest
from app.export.columns import Columns, Visible, export_columns
from app.export.formats import CsvEncoder, Encoder, Format, JsonEncoder, NdjsonEncoder, PathsEncoder
from app.search.levels import Level

_log = structlog.get_logger(__name__)
_PATH = "file.path"
# Pages have as many results as fit into about so many bytes: some values are a thousand times longer than others.
_PAGE_BYTES = 4_000_000
_SMALLEST_PAGE = 10


class ExportTooLargeError(Exception):
    """There are more results than an export may have; the message tells how many."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported, and how.

    Attributes
    ----------
    search
        What is asked; its `size` and `after` mean nothing here.
    form
        The format. Paths are always those of images, whatever the level.
    byte_order_mark
        Whether CSV begins with one, as spreadsheets need it.
    null
        Whether NUL, and not a line break, follows each path.
    """

    search: SearchRequest
    form: Format = Format.CSV
    byte_order_mark: bool = False
    null: bool = False

    @property
    def level(self) -> Level:
        """What a row of the export is."""
        return Level.IMAGE if self.form is Format.PATHS else self.search.level

    def columns(self, visible: Visible = tuple) -> Columns:
        """The columns of the export.

        Parameters
        ----------
        visible
            Those of the usual ones that are shown to whoever asks.

        Raises
        ------
        UnusableColumnError
            Where one of the fields has none.
        """
        return export_columns((_PATH,) if self.form is Format.PATHS else self.search.fields, self.level, visible)

    def file_name(self, now: datetime) -> str:
        """A name for the file. It tells nothing of the query, which may name a patient."""
        kinds = {Level.IMAGE: "images", Level.SERIES: "series", Level.STUDY: "studies", Level.PATIENT: "patients"}
        kind = "paths" if self.form is Format.PATHS else kinds[self.level]
        return f"dicomsearch-{kind}-{now.astimezone(UTC):%Y%m%d-%H%M%S}Z.{self.form.suffix}"


class Export:
    """An export that has begun: an iterator over bytes, which has to be closed.

    Attributes
    ----------
    total
        Rows that it has.
    approximate
        Whether that is an estimate.
    rows
        Rows that have been written so far.
    """

    def __init__(self, reading: Reading, encoder: Encoder) -> None:
        self._reading = reading
        self._encoder = encoder
        self.total = reading.total
        self.approximate = reading.approximate
        self.rows = 0
        self._chunks = self._write()
        self._after: list[Callable[[], None]] = [reading.close]

    def __iter__(self) -> Iterator[bytes]:
        """Itself."""
        return self

    def __next__(self) -> bytes:
        """Write some rows.

        Raises
        ------
        ArchiveUnavailableError, QueryRefusedError
            Where reading fails; what was written until then says that it is not whole.
        """
        try:
            return next(self._chunks)
        except BaseException:
            # At the end and after an error there is nothing to wait for, whoever forgets to close it.
            self.close()
            raise

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def on_close(self, after: Callable[[], None]) -> None:
        """Have something done when it is closed."""
        self._after.append(after)

    def close(self) -> None:
        """End it, wherever it is; also when it has never begun."""
        self._chunks.close()
        while self._after:
            self._after.pop()()

    def _write(self) -> Generator[bytes]:
        yield self._encoder.head(self.total, approximate=self.approximate)
        try:
            for page in self._reading:
                written = self._encoder.rows(page)
                self.rows += len(page)
                fitting = len(page) * _PAGE_BYTES // max(len(written), 1)
                self._reading.page_size = min(max(fitting, _SMALLEST_PAGE), LARGEST_PAGE)
                yield written
        except (ArchiveUnavailableError, QueryRefusedError) as error:
            _log.error("export_interrupted", error=type(error).__name__, rows=self.rows, total=self.total)
            yield self._encoder.broken(f"stopped after {self.rows:,} of {self.total:,} rows. {error}")
            raise
        yield self._encoder.tail()


def open_export(archive: Archive, request: ExportRequest, most_rows: int | None = None) -> Export:
    """Begin an export: the query has been run when this returns, so that what comes is a file.

    Parameters
    ----------
    archive
        Where to search.
    request
        What is wanted.
    most_rows
        Rows that an export may have; None means any number.

    Raises
    ------
    QuerySyntaxError, UnusableFilterError, UnusableSortError, UnusableColumnError
        Where the request cannot be understood.
    ExportTooLargeError
        Where there are more rows than it may have.
    QueryRefusedError, ArchiveUnavailableError
        As of a search.
    """
    columns = request.columns(archive.visible)
    reading = archive.read(replace(request.search, fields=columns.fields, level=request.level))
    if most_rows is not None and reading.total > most_rows:
        reading.close()
        raise ExportTooLargeError(
            f"There are {reading.total:,} results, and an export may have {most_rows:,}: make the query narrower."
        )
    return Export(reading, encoder_of(request, columns))


def encoder_of(request: ExportRequest, columns: Columns, *, partial: bool = False) -> Encoder:
    """Find what writes the rows of a request.

    Parameters
    ----------
    request
        What is wanted.
    columns
        Its columns.
    partial
        Whether time ran out, so that there may be more.
    """
    match request.form:
        case Format.CSV:
            return CsvEncoder(columns, byte_order_mark=request.byte_order_mark)
        case Format.NDJSON:
            return NdjsonEncoder()
        case Format.JSON:
            return JsonEncoder(request.level, partial=partial)
        case Format.PATHS:
            return PathsEncoder(null=request.null)
