"""The exceptions CocaDesk raises on purpose; each message is one sentence a user can act on."""


class CocaDeskError(Exception):
    """Base of all errors whose message may be shown to a user as it is."""


class InputError(CocaDeskError):
    """A file cannot be used: missing, unreadable, damaged, too large or not a picture."""


class OptionError(CocaDeskError, ValueError):
    """An option has a value that makes no sense."""


class ModelError(CocaDeskError):
    """A model is unknown, not on this machine, damaged, or cannot do what was asked."""


class DamagedWeights(ModelError):  # noqa: N818 — names what was found
    """A weights file is not what it should be: cut off, empty, or a web page in its place."""


class OutOfMemory(ModelError):  # noqa: N818 — names what happened
    """The device has no room for a model or for its work."""


class DownloadError(ModelError):
    """A model's files cannot be fetched now; what has arrived so far is kept for the next try."""


class Cancelled(CocaDeskError):  # noqa: N818 — what the user asked for is no error
    """The work was stopped because its cancel token was set."""
