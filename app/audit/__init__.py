"""The audit log on the web: every handled request is recorded, and administrators search what was.

`routes` says of each route what it is in the audit log, or why it is not in it; `recording` records after each request
and before its answer goes out; `noting` lets a route add what only it knows. `searching` finds events.
"""

from app.audit.noting import note

__all__ = ["note"]
