"""What the pages say, in French and in English."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from hub_config.language import Language

NAMES = {"en": "English", "fr": "Français"}
NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"


@cache
def sentences() -> dict[str, dict[str, str]]:
    """Every sentence by `section.name`, then by language."""
    sections = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))
    return {f"{section}.{name}": both for section, names in sections.items() for name, both in names.items()}


def say(language: Language, key: str, /, **filled: object) -> str:
    """The sentence in that language."""
    return sentences()[key][language].format(**filled)


def count(language: Language, key: str, number: int) -> str:
    """The sentence for one or for many; French says "0 essai", English "0 tries"."""
    single = number == 1 or (number == 0 and language == "fr")
    return say(language, f"{key}_{'one' if single else 'many'}", n=figure(language, number))


def choose(language: Language, text: str | Mapping[str, str] | None) -> str:
    """A title or summary of a course in that language, else in the one it has."""
    if isinstance(text, Mapping):
        return text.get(language) or next(iter(text.values()), "")
    return text or ""


def day(language: Language, moment: datetime) -> str:
    """A date as people write it."""
    first = "1er" if language == "fr" and moment.day == 1 else str(moment.day)
    month = say(language, f"month.{moment.month}")
    return f"{first} {month} {moment.year}"


def figure(language: Language, value: Any) -> str:
    """A number as people write it: 20,000 and 0.02; 20 000 and 0,02 in French."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    if language == "fr":
        text = text.replace(",", NARROW_SPACE).replace(".", ",")
    return text
