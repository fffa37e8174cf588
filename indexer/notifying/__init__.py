"""Telling other programs that a batch is done, or that a service is in trouble: by a webhook and by a command.

What is to be told stands in Redis until it has been (`outbox`), so that a crash tells it late and not never. One
process, the watcher's, does the telling (`notifier`) through `channels`; `incidents` decides when a service is in
trouble. Notifications have ids, counts and reasons, and never a value of a header.
"""

from indexer.notifying.channels import Channel, NotDeliveredError, channels_of
from indexer.notifying.notifier import Notifier
from indexer.notifying.outbox import Outbox, outbox_keys

__all__ = ["Channel", "NotDeliveredError", "Notifier", "Outbox", "channels_of", "outbox_keys"]
