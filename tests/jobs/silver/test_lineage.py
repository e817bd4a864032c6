"""The row above a row, whatever the length of the chain."""

from jobs.silver.lineage import with_ancestor
from tests.tables import rows, table


def test_the_nearest_wanted_row_upwards_is_found(spark):
    episodes = table(spark, """
        person_id | row_id | number:bigint | parent:bigint | kind
        p1        | a      | 1             |               | primary
        p1        | b      | 2             | 1             | line
        p1        | c      | 3             | 2             | response
        p1        | d      | 4             | 3             | note
        p1        | e      | 5             | 4             | primary
        p1        | f      | 6             | 9             | note
        p1        | g      | 7             |               |
        p2        | h      | 8             | 1             | note
    """)  # fmt: skip
    found = with_ancestor(episodes, "number", "parent", "kind = 'primary'", "tumour")
    assert rows(with_ancestor(found, "number", "parent", "kind = 'line'", "line"), "row_id", "tumour", "line") == [
        ("a", "a", None),
        ("b", "a", "b"),
        ("c", "a", "b"),
        ("d", "a", "b"),
        # A primary is its own, whatever it hangs below.
        ("e", "e", "b"),
        # A parent that is not there, no parent, a parent of another person.
        ("f", None, None),
        ("g", None, None),
        ("h", None, None),
    ]
