"""Lists of all results as files: chosen columns, one result after the other, however many there are."""

from app.export.export import Export, ExportRequest, ExportTooLargeError, encoder_of, open_export
from app.export.formats import Format
from app.export.seats import ExportsBusyError, Seats

__all__ = [
    "Export",
    "ExportRequest",
    "ExportTooLargeError",
    "ExportsBusyError",
    "Format",
    "Seats",
    "encoder_of",
    "open_export",
]
