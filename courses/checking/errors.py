"""What checking refuses: one sentence each, what was expected, what was found, what to do."""


class CheckingError(Exception):
    """Anything that checking refuses with a sentence instead of a traceback."""


class UnknownExercise(CheckingError):
    """No course has an exercise of that name."""


class NotAnAnswer(CheckingError):
    """The value is of no kind that can be compared, or too large."""


class NoSuchTable(CheckingError):
    """The release has no table of that name."""


class BadCourse(CheckingError):
    """The files of a course do not fit together."""


class NoRoom(CheckingError):
    """The disk of the academy is full: nothing of the event was kept, and nothing of the others was lost."""


class BrokenChain(CheckingError):
    """A recorded event was changed after it was written."""
