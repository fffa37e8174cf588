"""From a file to a picture of one of its frames: a file in, a picture or a clear error out.

`picture.py` draws; `source.py` reads what it needs to know; `decoding.py` brings the stored values of a frame;
`gray.py`, `windows.py` and `lookup.py` turn these into what is shown.
"""
