"""What a notebook of the academy imports.

    from courses.kit import check, cohort, describe, spark, sql, tables
    %load_ext courses.kit        # %%sql, and errors in one sentence

Nothing heavy is imported before it is needed: Spark at the first query, matplotlib not at all.
"""

from typing import Any

from courses.kit import style
from courses.kit.answer import check, seed
from courses.kit.data import cohort, describe, spark, sql, tables

__all__ = ["check", "cohort", "describe", "seed", "spark", "sql", "tables"]

style.apply()


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext courses.kit` does: `%%sql`, and one sentence instead of a stack trace."""
    from courses.kit import magic

    magic.register(shell)
