"""The house style of figures: readable in grey and for the colour-blind, drawn with the fonts that matplotlib carries."""

import os
import sys
from pathlib import Path

SHEET = Path(__file__).with_name("pscc.mplstyle")


def apply() -> None:
    """Put the style on matplotlib: now if it is already imported, else when it will be."""
    if "matplotlib" in sys.modules:
        import matplotlib.style

        matplotlib.style.use(SHEET)
    else:
        os.environ.setdefault("MATPLOTLIBRC", str(SHEET))
