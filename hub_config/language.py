"""The language that somebody reads: what they chose on a page, else what their browser asks for."""

from typing import Any, Literal, get_args

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# Set by the portal and by the switch on the hub's pages, whose script reads it too.
COOKIE = "academy-lang"


def chosen(handler: Any) -> Language | None:
    """What the reader of a request (a tornado handler) chose; None where they never did."""
    kept = handler.get_cookie(COOKIE)
    return next((language for language in LANGUAGES if language == kept), None)


def preferred(accepted: str) -> Language:
    """The language a browser asks for first among ours; English if it asks for neither."""
    for part in accepted.split(","):
        code = part.split(";")[0].strip()[:2].lower()
        if code == "fr":
            return "fr"
        if code == "en":
            return "en"
    return "en"


def language(handler: Any) -> Language:
    """The language in which a request is answered."""
    return chosen(handler) or preferred(handler.request.headers.get("Accept-Language", ""))
