"""Errors with one sentence for the user; the command line turns each into its exit code."""


class ConfigurationError(Exception):
    """A file of ours, a flag or a name is wrong: exit 2."""


class RunError(Exception):
    """Something asked for could not be done: exit 1."""


class UnreachableError(RunError):
    """No answer came: nobody knows whether the request is done."""


class CredentialsError(UnreachableError):
    """Google was not asked, since there was no token to ask with."""


class DataError(RunError):
    """The data breaks its contract."""
