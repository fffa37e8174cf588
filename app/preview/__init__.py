"""From a file to a picture of one of its frames: a file in, a picture or a clear error out.

`picture.py` draws; `source.py` reads what it needs to know; `decoding.py` brings the stored values of a frame;
`gray.py`, `windows.py` and `lookup.py` turn these into what is shown. Decoders are large native libraries that are fed
with whatever a file contains, so the web process never runs them: `processes.py` has it done in processes (`child.py`)
that may run out of time and memory, or crash, without harm.
"""
