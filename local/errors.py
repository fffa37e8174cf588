"""What can go wrong with the embedded services, each with a message that a user can act on."""


class LocalError(Exception):
    """The embedded stack cannot do what was asked; the message is one clear line that says what to do."""


class InstallError(LocalError):
    """A part of the embedded stack could not be put in place; nothing of it is left half-installed."""


class StartError(LocalError):
    """A service did not start; the message has the reason from its log."""


class PortTakenError(LocalError):
    """Another program listens on a port that was asked for."""
