"""When a service is in trouble, and when that is over: told once each, and not for a moment's hiccup."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Change:
    """A service got into trouble, for a reason, or out of it again (None)."""

    service: str
    reason: str | None


@dataclass
class Incidents:
    """Remembers which services are in trouble.

    Attributes
    ----------
    patience
        Seconds that a trouble has to last before it counts, and that a service has to be well before it is over.
    clock
        Seconds of a clock that never goes back.
    """

    patience: float
    clock: Callable[[], float] = time.monotonic
    _told: dict[str, str] = field(default_factory=dict)
    _other_since: dict[str, float] = field(default_factory=dict)

    def look(self, troubles: Mapping[str, str | None]) -> list[Change]:
        """Compare with what was told; answer what is to be told now.

        Parameters
        ----------
        troubles
            Service → why it does not do its work, or None where it does. One that is not named stays as it is.
        """
        changes = []
        for service, reason in troubles.items():
            if (reason is None) == (service not in self._told):
                self._other_since.pop(service, None)
                continue
            if self.clock() - self._other_since.setdefault(service, self.clock()) < self.patience:
                continue
            del self._other_since[service]
            if reason is None:
                del self._told[service]
            else:
                self._told[service] = reason
            changes.append(Change(service, reason))
        return changes
