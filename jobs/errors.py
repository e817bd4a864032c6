"""The error family: each says what was expected, what was found and what to do, and never shows a patient's value."""


class LakehouseError(Exception):
    """Anything the lakehouse refuses with a sentence instead of a traceback."""


class WrongUse(LakehouseError):
    """The command or a setting is wrong: exit code 2."""


class EngineSilent(LakehouseError):
    """Nobody answers at SPARK_REMOTE: exit code 2 for a command, tried again by a task, for an engine that ended is started again."""


class LeaseLost(LakehouseError):
    """Another worker took over; this one must not publish anything more."""


class GateFailed(LakehouseError):
    """A quality gate refused staged tables; nothing was published."""


class ContractViolation(LakehouseError):
    """A delivery broke its contract: trying again will not help."""
