"""What the kit says, in both languages, and how Spark's errors become one sentence."""

import os
import re
from typing import Any

SENTENCES = {
    "passed": ("Passed", "Réussi"),
    "not_yet": ("Not yet", "Pas encore"),
    "hint": ("Hint", "Indice"),
    "attempt": ("Attempt {attempt}", "Essai {attempt}"),
    "not_sent": ("The answer was not checked", "La réponse n’a pas été vérifiée"),
    "no_row": ("No row.", "Aucune ligne."),
    "one_row": ("1 row", "1 ligne"),
    "rows": ("{rows} rows", "{rows} lignes"),
    "more_rows": ("The first {rows} rows of more: count, aggregate or filter.", "Les {rows} premières lignes ; il y en a plus : comptez, agrégez ou filtrez."),
    "tables": ("The tables of release {release}", "Les tables de la version {release}"),
    "table": ("table", "table"),
    "row_count": ("rows", "lignes"),
    "row_is": ("a row is", "une ligne est"),
    "column": ("column", "colonne"),
    "type": ("type", "type"),
    "meaning": ("meaning", "signification"),
    "no_engine": (
        "Expected the engine's address in SPARK_REMOTE, found none: open this notebook in the academy.",
        "L’adresse du moteur est attendue dans SPARK_REMOTE, elle manque : ouvrez ce carnet dans l’académie.",
    ),
    "no_cohort": (
        "Your cohort is drawn by the check service, which does not answer: {reason}",
        "Votre cohorte est tirée par le service de vérification, qui ne répond pas : {reason}",
    ),
    "no_table": ("There is no table {name}: tables() lists those of the release.", "La table {name} n’existe pas : tables() donne celles de la version."),
    "no_column": ("There is no column {name} here. There are: {others}.", "La colonne {name} n’existe pas ici. Il y a : {others}."),
    "syntax": ("The SQL cannot be read from {near} on, line {line}.", "Le SQL n’est plus lisible à partir de {near}, ligne {line}."),
    "no_function": ("There is no function {name}.", "La fonction {name} n’existe pas."),
    "ambiguous": (
        "Several tables have a column {name}: write the table before it, as in t.{name}.",
        "Plusieurs tables ont une colonne {name} : écrivez la table devant, comme t.{name}.",
    ),
    "not_grouped": (
        "A column stands beside an aggregate and is not in GROUP BY: group by it, or aggregate it too.",
        "Une colonne est à côté d’un agrégat sans être dans GROUP BY : groupez par elle, ou agrégez-la aussi.",
    ),
    "by_zero": ("Something was divided by zero: use try_divide, or filter.", "Une division par zéro : utilisez try_divide, ou filtrez."),
    "cast": (
        "A value cannot be read as the type you want: use try_cast, and count what becomes NULL.",
        "Une valeur ne se lit pas dans le type voulu : utilisez try_cast, et comptez les NULL obtenus.",
    ),
    "too_large": (
        "The result is too large and was stopped: count, aggregate, or add LIMIT.",
        "Le résultat est trop grand, la requête a été arrêtée : comptez, agrégez ou ajoutez LIMIT.",
    ),
    "too_long": (
        "This query ran for {seconds} seconds and was stopped, so that the others can go on: join on a key, filter first, or count fewer rows.",
        "Cette requête a duré {seconds} secondes et a été arrêtée pour laisser la place aux autres : joignez sur une clé, filtrez d’abord, ou comptez moins de lignes.",
    ),
    "no_space": (
        "The query needs more temporary space than the class has: filter or aggregate earlier.",
        "La requête demande plus d’espace temporaire que la classe n’en a : filtrez ou agrégez plus tôt.",
    ),
    "renewed": (
        "The engine was restarted and your session with it: run the cell again.",
        "Le moteur a redémarré, et votre session avec lui : exécutez de nouveau la cellule.",
    ),
    "gone": (
        "The engine does not answer: run the cell again in a minute, then tell your instructor.",
        "Le moteur ne répond pas : réessayez dans une minute, puis prévenez votre formateur.",
    ),
    "interrupted": ("The query was interrupted.", "La requête a été interrompue."),
    "unknown": (
        "The engine does not know you: log out of the hub, log in again and restart the kernel.",
        "Le moteur ne vous connaît pas : déconnectez-vous, reconnectez-vous et redémarrez le noyau.",
    ),
    "no_code": (
        "The engine runs no code of yours, only queries: fetch a small table with toPandas() and go on in Python here.",
        "Le moteur n’exécute pas votre code, seulement des requêtes : récupérez une petite table avec toPandas() et continuez ici en Python.",
    ),
    "no_write": (
        "The class reads and changes nothing: write files in your own folder, with pandas or polars.",
        "La classe lit et ne modifie rien : écrivez vos fichiers dans votre dossier, avec pandas ou polars.",
    ),
    "no_files": (
        "The engine has no other data than the tables of the release, and takes no files: see tables().",
        "Le moteur n’a pas d’autres données que les tables de la version, et ne prend pas de fichiers : voir tables().",
    ),
    "too_many": (
        "You already have several queries running: wait for one of them, or interrupt it.",
        "Plusieurs de vos requêtes sont déjà en cours : attendez la fin de l’une, ou interrompez-la.",
    ),
    "not_here": ("The engine does not offer this: ask with SQL or a DataFrame.", "Le moteur n’offre pas cela : passez par SQL ou un DataFrame."),
}  # fmt: skip
# What is said by its text: sentences of the engine's door, and errors that Spark gives no name.
BY_TEXT = (
    (r"ran for (?P<seconds>\d+) seconds and was stopped", "too_long"),
    (r"This result is larger than|bigger than spark\.driver\.maxResultSize", "too_large"),
    (r"No space left on device", "no_space"),
    (r"does not know you", "unknown"),
    (r"runs no code of yours", "no_code"),
    (r"no other data are here|takes no files", "no_files"),
    (r"The class reads and changes nothing", "no_write"),
    (r"You already have \d+ queries", "too_many"),
    (r"does not offer this", "not_here"),
    (r"SESSION_CHANGED|SESSION_CLOSED|SESSION_NOT_FOUND|OPERATION_NOT_FOUND", "renewed"),
    (r"OPERATION_CANCELED|JOB_CANCELLED|cancelled part of", "interrupted"),
    (r"StatusCode\.UNAVAILABLE|failed to connect|RETRIES_EXCEEDED", "gone"),
    (r"PARSE_SYNTAX_ERROR\].* at or near (?P<near>'[^']*'|end of input).*?line (?P<line>\d+)", "syntax"),
    (r"TABLE_OR_VIEW_NOT_FOUND\] The table or view (?P<name>\S+) cannot", "no_table"),
    (r"UNRESOLVED_COLUMN.*?with name (?P<name>\S+) cannot.*?\[(?P<others>[^\]]*)\]", "no_column"),
    (r"UNRESOLVED_ROUTINE\] Cannot resolve routine (?P<name>\S+)", "no_function"),
    (r"AMBIGUOUS_REFERENCE\] Reference (?P<name>\S+) is", "ambiguous"),
    (r"MISSING_AGGREGATION|MISSING_GROUP_BY", "not_grouped"),
    (r"DIVIDE_BY_ZERO", "by_zero"),
    (r"CAST_INVALID_INPUT|CANNOT_PARSE_TIMESTAMP", "cast"),
)


def is_french() -> bool:
    return os.environ.get("PSCC_LANG", "en").lower().startswith("fr")


def say(name: str, /, **blanks: Any) -> str:
    """The sentence of that name in the reader's language."""
    return SENTENCES[name][is_french()].format(**blanks)


def sentence(error: BaseException) -> str:
    """What went wrong, in one sentence; where it is unknown, the first line of what Spark said."""
    text = str(error)
    for pattern, name in BY_TEXT:
        if found := re.search(pattern, text, re.DOTALL):
            return say(name, **{blank: value.replace("`", "") for blank, value in found.groupdict().items()})
    first = re.sub(r"^\[[A-Z_.]+\] ", "", text.strip().split("\n")[0])
    return re.sub(r" SQLSTATE: \w+.*$", "", first) or type(error).__name__


def number(value: int) -> str:
    """Thousands as the reader writes them."""
    return f"{value:,}".replace(",", "\u202f") if is_french() else f"{value:,}"
