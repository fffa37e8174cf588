"""From a file to its header as DICOM JSON. Pure: bytes in, values out, no network, no state.

Use `read_header`. Files as they are in the world are read: without preamble or meta header, in any transfer syntax,
with lengths and delimiters that are wrong; what had to be forgiven is noted, only what cannot be read is an error.
"""

from indexer.reader.errors import NotAnImage, ReadError
from indexer.reader.header import DicomJson, Entry, Header
from indexer.reader.reading import instance_uid, read_header

__all__ = ["DicomJson", "Entry", "Header", "NotAnImage", "ReadError", "instance_uid", "read_header"]
