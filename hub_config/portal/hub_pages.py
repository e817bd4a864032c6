"""The hub's own pages (sign-in, waiting for a server, errors) in the academy's dress."""

from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from hub_config.language import LANGUAGES
from hub_config.portal.words import sentences

HERE = Path(__file__).parent
# The hub looks here before it takes a page of its own; the style sheet is included, so that sign-in looks right while the portal is down.
TEMPLATE_PATHS = [str(HERE.parent / "templates"), str(HERE / "static")]


def both(key: str) -> Markup:
    """A sentence in both languages, of which a script of the page shows the reader's; without it both are read."""
    spans = (Markup('<span class="tongue" lang="{}">{}</span>').format(code, sentences()[key][code]) for code in LANGUAGES)
    return Markup(" ").join(spans)


def plain(key: str) -> Markup:
    """A sentence in both languages where no element may stand, as in an attribute."""
    return escape(" · ".join(sentences()[key][code] for code in LANGUAGES))


def dress(hub: Any) -> None:
    """Set what a JupyterHub configuration (`c.JupyterHub`) needs for these pages."""
    hub.template_paths = TEMPLATE_PATHS
    # The hub calls what it can call with the user; so these are called twice in a template: once here, once there.
    hub.template_vars = {"both": lambda user: both, "plain": lambda user: plain}
    hub.logo_file = str(HERE / "static" / "mark.svg")
    hub.default_url = "/services/academy/home"
