"""`%%sql`, and errors in one sentence."""

import keyword
from typing import Any

from courses.kit.data import shown, sql
from courses.kit.errors import KitError
from courses.kit.show import Shown
from courses.kit.words import sentence


def register(shell: Any) -> None:
    """Give an IPython shell `%%sql`, and the sentences."""

    def run_sql(line: str, cell: str) -> Shown | None:
        """%%sql [name]: show the rows of a query, and keep it as a DataFrame under a name."""
        frame = sql(cell.strip().rstrip(";"))
        if line.strip():
            shell.user_ns[_name(line.strip())] = frame
        return shown(frame) if frame.columns else None

    shell.register_magic_function(run_sql, "cell", "sql")
    from pyspark.errors import PySparkException

    shell.set_custom_exc((PySparkException, KitError), _one_sentence)


def _name(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise KitError(f"Expected a name after %%sql under which to keep the rows, found {text!r}.")
    return text


def _one_sentence(shell: Any, kind: Any, error: BaseException, traceback: Any, tb_offset: Any = None) -> list[str]:
    told = [str(error) if isinstance(error, KitError) else sentence(error)]
    shell._showtraceback(kind, error, told)
    return told
