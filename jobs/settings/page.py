"""The page of all settings, docs/settings.md."""

from jobs.settings.table import SECTIONS, Part, Setting
from quality.dictionary import MADE, grid

HEAD = """Every setting is a variable of the environment; an empty one counts as unset. Where the column *secret* says so, `NAME_FILE` may name a file with the
value in place of `NAME`, never both, and that file has to be closed to others (mode 0600; of root's, 0640 for the group of a service).

`pscc settings` shows what is set here, and where each value comes from. Every `pscc` command, `pscc up` with what it remembers, every program of a container and every process that
reads a DAG check all of them before they begin: a wrong value, a file that is not there or is open to others, a `PSCC_…` that is none of these. Each fault is one sentence, and the exit
code is 2; no message shows a secret.

`pscc up` keeps in `services.json`, its owner's alone, what its programs were started with, and names it at its end. What is marked *remembered* it goes by from then on; of everything else
what is set at a later `pscc up` wins, and a variable set to nothing (`PSCC_BACKUP= pscc up`) takes back what was kept. What runs knows nothing of a change before
`pscc down` and `pscc up`: `pscc up` names what waits for that. A secret that a file holds stays there; the path is kept (of `PSCC_DATABASE_URL_FILE` what stands in it)."""


def settings_page() -> str:
    """Every setting by section: what it may be, what it means, what holds without it, who uses it."""
    parts = ["# Settings", MADE.format(source="jobs/settings/table.py"), HEAD]
    for section, settings in SECTIONS.items():
        head = ("variable", "is", "meaning", "default", "secret", "used by")
        parts += [f"## {section}", *_remark(settings), grid(head, map(_row, settings))]
    return "\n\n".join(parts) + "\n"


def _remark(settings: tuple[Setting, ...]) -> list[str]:
    if any(Part.COMPOSE not in each.used_by for each in settings):
        return []
    return ["Read by Docker, in `.env` or its environment: docs/compose.md. Our programs do not check them."]


def _row(setting: Setting) -> tuple[str, ...]:
    used_by = ", ".join(setting.used_by) + (", remembered" if setting.is_remembered else "")
    default = f"`{setting.default}`" if setting.default else setting.unset
    secret = f"yes, or `{setting.file_name}`" if setting.file_name else ""
    return f"`{setting.name}`", setting.kind.words, setting.meaning, default, secret, used_by
