"""What can go wrong with the server."""


class ServerError(Exception):
    """The server could not be had, started or reached; the message says why."""


class NeedsError(ServerError):
    """Java, Maven or the jars cannot be had; the message is the name of what is needed."""
