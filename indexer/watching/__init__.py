"""The watcher: a finished folder in a watched folder becomes a batch, found exactly once.

Finished is a folder without an extension that starts with `.tmp`: it was renamed when it was complete, or stood there
at the start, or was created under its final name. The last kind may still grow, so it counts once nothing in it has
changed for a moment. Events of the file system only say that it is worth looking; what is there decides, and a look is
taken every few seconds anyway, so that a lost event loses nothing, and file systems that tell no events need no other
way.

`incoming` decides which folders are finished and `growth` whether one still grows, from what the disk shows; `events`
hears the system, `mounts` knows where it says nothing; `root` watches one folder, `watcher` all of them.
"""

from indexer.watching.incoming import Incoming
from indexer.watching.watcher import Watcher, WatchError, run_until_signal

__all__ = ["Incoming", "WatchError", "Watcher", "run_until_signal"]
