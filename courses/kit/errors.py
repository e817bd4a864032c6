"""What the kit refuses: one sentence each."""


class KitError(Exception):
    """Something a notebook asked for cannot be had: what was expected, what was found, what to do."""
