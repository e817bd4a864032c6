"""What the academy refuses: what was expected, what was found, what to do."""


class AcademyError(Exception):
    """Anything the academy refuses with a sentence instead of a traceback."""


class WrongUse(AcademyError):
    """The command or a setting is wrong: exit code 2."""


class Refused(AcademyError):
    """A log-in or an invitation is refused; the sentence is read by a trainee, so it comes in both languages."""

    def __init__(self, en: str, fr: str) -> None:
        super().__init__(en)
        self.sentence = {"en": en, "fr": fr}
