"""What an engine says is written for a class; the curated engine says it to analysts in these words."""

FOR_ANALYSTS = {
    "The class reads and changes nothing": "Gold is read here and never changed",
    "the tables of the release, see tables()": "the tables of gold, see SHOW TABLES IN gold",
    "a class may change": "an analyst may change",
    "log out of the hub, log in again and restart the kernel": "ask for your address again, see `pscc address --help`",
    "so that the others can go on": "so that others can go on",
}


def told(sentence: str, *, curated: bool) -> str:
    """The sentence as its readers should have it."""
    for of_class, of_analysts in FOR_ANALYSTS.items() if curated else ():
        sentence = sentence.replace(of_class, of_analysts)
    return sentence
