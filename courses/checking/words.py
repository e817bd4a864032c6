"""What feedback says, in both languages. Nothing here can hold an expected value: the blanks are kinds, names and counts."""

from typing import Any

from courses.checking.exercise import Language

KIND_NAMES: dict[str, dict[Language, str]] = {
    "number": {"en": "a number", "fr": "un nombre"},
    "text": {"en": "a text", "fr": "un texte"},
    "set": {"en": "a list", "fr": "une liste"},
    "table": {"en": "a table", "fr": "un tableau"},
    "figure": {"en": "a figure", "fr": "une figure"},
    "code": {"en": "a function", "fr": "une fonction"},
    "nothing": {"en": "nothing", "fr": "rien"},
}
SENTENCES: dict[str, dict[Language, str]] = {
    "passed": {"en": "Right.", "fr": "C’est juste."},
    "nothing": {
        "en": "Expected {expected}, found nothing: run the cells above, and fill in the value before check().",
        "fr": "{expected} est attendu, rien n’est arrivé : exécutez les cellules précédentes et donnez une valeur à check().",
    },
    "kind": {"en": "Expected {expected}, found {given}.", "fr": "{expected} est attendu, {given} est arrivé."},
    "number": {"en": "It is a number, but not the right one.", "fr": "C’est bien un nombre, mais pas le bon."},
    "not_a_number": {"en": "The result is not a finite number.", "fr": "Le résultat n’est pas un nombre fini."},
    "text": {"en": "It is a text, but not the right one.", "fr": "C’est bien un texte, mais pas le bon."},
    "set_missing": {"en": "Elements missing from the list: {missing}.", "fr": "Éléments absents de la liste : {missing}."},
    "set_extra": {"en": "Elements that do not belong there: {extra}.", "fr": "Éléments en trop : {extra}."},
    "columns": {"en": "The columns differ.", "fr": "Les colonnes diffèrent."},
    "columns_missing": {"en": "Missing: {names}.", "fr": "Manquent : {names}."},
    "columns_extra": {"en": "Not asked for: {names}.", "fr": "Non demandées : {names}."},
    "column_type": {
        "en": "Column {name} should hold {wanted}, it holds {held}.",
        "fr": "La colonne {name} devrait contenir {wanted} ; elle contient {held}.",
    },
    "rows_missing": {"en": "Rows missing: {missing}.", "fr": "Lignes absentes : {missing}."},
    "rows_extra": {"en": "Rows that do not belong there: {extra}.", "fr": "Lignes en trop : {extra}."},
    "values": {
        "en": "The rows are right, but values differ in column {names}.",
        "fr": "Les lignes sont justes, mais des valeurs diffèrent dans la colonne {names}.",
    },
    "axis_label": {"en": "An axis has no label.", "fr": "Un axe n’a pas de légende."},
    "no_series": {"en": "Nothing of the asked form is drawn ({mark}).", "fr": "Rien de la forme demandée n’est tracé ({mark})."},
    "series": {
        "en": "What is drawn ({mark}) does not follow the right values everywhere.",
        "fr": "Le tracé ({mark}) ne suit pas partout les bonnes valeurs.",
    },
    "corners": {
        "en": "The values are right, but a staircase keeps its height until the next day on which something happens: draw it with where='post'.",
        "fr": "Les valeurs sont justes, mais un escalier garde sa hauteur jusqu’au prochain jour où quelque chose arrive : tracez-le avec where='post'.",
    },
    "code_case": {
        "en": "The function gives another result than expected in {failed} of {cases} cases.",
        "fr": "La fonction donne un autre résultat que celui attendu dans {failed} cas sur {cases}.",
    },
    "code_shown": {"en": "One of them: {call}.", "fr": "Par exemple : {call}."},
    "code_raised": {"en": "It stops with {error}.", "fr": "Elle s’arrête sur {error}."},
    "code_alone": {
        "en": "It is tried outside your notebook: import inside it what it needs, and hand it the rest as arguments.",
        "fr": "Elle est essayée hors de votre carnet : importez à l’intérieur ce qu’il lui faut, et passez le reste en arguments.",
    },
    "code_syntax": {
        "en": "The source cannot be read as Python: {error}.",
        "fr": "Le texte n’est pas du Python lisible : {error}.",
    },
    "code_time": {
        "en": "The function ran longer than {seconds} s and was stopped.",
        "fr": "La fonction a dépassé {seconds} s et a été arrêtée.",
    },
    "code_memory": {"en": "The function took more memory than it may.", "fr": "La fonction a pris plus de mémoire que permis."},
    "code_output": {"en": "The function gave back too much.", "fr": "La fonction a rendu un résultat trop volumineux."},
    "code_died": {"en": "The function ended the process it ran in.", "fr": "La fonction a mis fin à son propre processus."},
    "code_closed": {
        "en": "Functions are not tried on this machine, which has no sandbox for them; nothing was counted. Tell your instructor.",
        "fr": "Les fonctions ne sont pas essayées sur cette machine, qui n’a pas de bac à sable pour elles ; rien n’a été compté. Dites-le à votre formateur.",
    },
    "code_busy": {
        "en": "Too many functions are being tried at this moment; yours was not counted. Try again in a few seconds.",
        "fr": "Trop de fonctions sont à l’essai en ce moment ; la vôtre n’a pas été comptée. Réessayez dans quelques secondes.",
    },
    "no_room": {
        "en": "The academy’s disk is full: your answer was neither kept nor counted, nothing else was lost. Tell your instructor, and check again later.",
        "fr": "Le disque de l’académie est plein : votre réponse n’a été ni gardée ni comptée, rien d’autre n’est perdu. Prévenez votre formateur et vérifiez plus tard.",
    },
    "fault": {
        "en": "This exercise has a fault of ours: your answer was kept and does not count as a failure. Tell your instructor.",
        "fr": "Cet exercice a un défaut de notre côté : votre réponse est gardée et ne compte pas comme un échec. Prévenez votre formateur.",
    },
    "wait": {
        "en": "Many answers in a short time. Take {minutes} minutes to read the hints; this answer was not counted.",
        "fr": "Beaucoup de réponses en peu de temps. Prenez {minutes} minutes pour relire les indices ; cette réponse n’a pas été comptée.",
    },
}
MARKS: dict[str, dict[Language, str]] = {
    "line": {"en": "line", "fr": "ligne"},
    "step": {"en": "staircase", "fr": "courbe en escalier"},
    "points": {"en": "points", "fr": "points"},
    "bars": {"en": "bars", "fr": "barres"},
}
TYPE_NAMES: dict[str, dict[Language, str]] = {
    "boolean": {"en": "true or false", "fr": "vrai ou faux"},
    "integer": {"en": "numbers", "fr": "des nombres"},
    "number": {"en": "numbers", "fr": "des nombres"},
    "text": {"en": "texts", "fr": "des textes"},
    "date": {"en": "dates", "fr": "des dates"},
    "timestamp": {"en": "times", "fr": "des instants"},
    "list": {"en": "lists", "fr": "des listes"},
    "nothing": {"en": "nothing at all", "fr": "rien du tout"},
}


def say(code: str, language: Language, **blanks: Any) -> str:
    """A sentence of feedback; kinds, marks and types in the blanks are given by their names in the language."""
    named = {key: _named(key, value, language) for key, value in blanks.items()}
    sentence = SENTENCES[code][language].format(**named)
    return sentence[:1].upper() + sentence[1:]


def _named(key: str, value: Any, language: Language) -> Any:
    if key in ("expected", "given"):
        return KIND_NAMES[value][language]
    if key in ("wanted", "held"):
        return TYPE_NAMES[value][language]
    return MARKS[value][language] if key == "mark" else value


def language(asked: str | None) -> Language:
    """The language to answer in: French where it was asked for, else English."""
    return "fr" if str(asked or "").lower().startswith("fr") else "en"
