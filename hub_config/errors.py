"""What the academy refuses: what was expected, what was found, what to do."""

import errno


class AcademyError(Exception):
    """Anything the academy refuses with a sentence instead of a traceback."""


class WrongUse(AcademyError):
    """The command or a setting is wrong: exit code 2."""


class Refused(AcademyError):
    """A log-in or an invitation is refused; the sentence is read by a trainee, so it comes in both languages."""

    def __init__(self, en: str, fr: str) -> None:
        super().__init__(en)
        self.sentence = {"en": en, "fr": fr}


# What who logs in, or starts a server, reads on a full disk.
NO_ROOM = Refused(
    "The academy’s disk is full, so nobody can log in or start a server now. Nothing was lost. Tell your instructor, and try again later.",
    "Le disque de l’académie est plein : personne ne peut se connecter ni démarrer son serveur pour l’instant. Rien n’est perdu. "
    "Prévenez votre formateur et réessayez plus tard.",
)


def is_full(error: OSError) -> bool:
    """Whether a disk, or somebody's part of it, has no room left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
