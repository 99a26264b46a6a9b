"""What a user is told in one sentence; the command line turns each into its exit code."""


class ConfigurationError(Exception):
    """A file of ours, a flag or a name is wrong: exit 2."""


class RunError(Exception):
    """Something asked for could not be done: exit 1."""


class UnreachableError(RunError):
    """Nobody knows whether what was asked for is done: no answer came."""


class DataError(RunError):
    """The data is not what its contract says."""
