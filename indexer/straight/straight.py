"""The two ways from a file to its document: the scan of regular files, and that of the reader for all others."""

from pathlib import Path

from indexer.flatten import Flattened, flatten
from indexer.flatten.collect import fields_of, receipt_of
from indexer.flatten.contribution import Sum
from indexer.flatten.flattening import complete
from indexer.reader.beginning import (
    DEFLATED,
    GZIP_MAGIC,
    MEDIA_DIRECTORY,
    PREAMBLE,
    data_set_encoding,
    find_start,
    meta_encoding,
    transfer_syntax,
)
from indexer.reader.reading import instance_uid, opened, read_header
from indexer.reader.source import BLOCK, Source
from indexer.straight.memory import Memory
from indexer.straight.prefixes import Irregular
from indexer.straight.scan import Scan

# Most headers are shorter: what is read of a file at first.
FIRST_BLOCK = 16 * 1024


def flatten_file(path: Path, memory: Memory) -> Flattened:
    """Read and flatten a file.

    Parameters
    ----------
    path
        The file.
    memory
        What is remembered of the files before it, and the limits.

    Raises
    ------
    ReadError, NotAnImage
        As `read_header`.
    """
    try:
        with opened(path) as (file, size):
            return _scanned(Source(file, size, first=FIRST_BLOCK), size, memory)
    except Irregular:
        return flatten(read_header(path, memory.limits), memory.limits)


def _scanned(source: Source, size: int, memory: Memory) -> Flattened:
    source.has(0, 1)
    if source.buffer[PREAMBLE : PREAMBLE + 4] != b"DICM":
        source.has(0, min(size, BLOCK))  # as much as the reader looks at
    found = None if source.buffer.startswith(GZIP_MAGIC) else find_start(source)
    if found is None:
        raise Irregular("compressed, or not DICOM")
    start, forgiven = found
    notes = [forgiven] if forgiven else []
    scan = Scan(source, size, memory, start)
    begin = _first_bytes(source, start)
    if begin[:2] in {b"\x02\x00", b"\x00\x02"}:
        scan.read_meta(meta_encoding(begin))
    else:
        notes.append("no meta header")
    syntax = transfer_syntax(scan.told)
    if syntax in DEFLATED or scan.told.get("00020002", {}).get("Value") == [MEDIA_DIRECTORY]:
        raise Irregular("compressed, or no image")
    encoding, forgiven = data_set_encoding(_first_bytes(source, scan.position), syntax)
    if forgiven:
        notes.append(forgiven)
    scan.read_data_set(encoding)
    identity = instance_uid(scan.told)
    if identity is None:
        raise Irregular("no UID: the whole file is read")
    total = Sum()
    total.add(scan.contributions)
    fields = fields_of(total)
    complete(fields, identity)
    fields["header"] = "{" + ",".join(scan.members) + "}"
    fields["receipt"] = receipt_of(total, None, tuple(dict.fromkeys([*notes, *scan.notes])))
    return Flattened(identity, fields)


def _first_bytes(source: Source, position: int) -> bytes:
    source.has(position, 8)
    return source.buffer[position - source.base :][:8]
