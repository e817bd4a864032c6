"""A formula as a picture with its text beside it: pages need no script and no font from elsewhere."""

import base64
import io
from functools import cache
from html import escape
from typing import Any


def setup(app: Any) -> dict[str, Any]:
    """Makes `mathtext` a way in which Sphinx draws formulas."""
    app.add_html_math_renderer("mathtext", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer: Any, node: Any) -> None:
    from docutils.nodes import SkipNode

    writer.body.append(_picture(node.astext(), "formula"))
    raise SkipNode


def _block(writer: Any, node: Any) -> None:
    from docutils.nodes import SkipNode

    writer.body.append(f'<div class="formula">{_picture(node.astext(), "formula-block")}</div>\n')
    raise SkipNode


def _picture(formula: str, kind: str) -> str:
    drawn = _svg(" ".join(formula.split()))
    if drawn is None:
        return f'<code class="{kind}">{escape(formula)}</code>'
    data, height, depth = drawn
    style = f"height:{height:.3f}em;vertical-align:{-depth:.3f}em"
    return f'<img class="{kind}" style="{style}" alt="{escape(formula)}" src="data:image/svg+xml;base64,{data}"/>'


@cache
def _svg(formula: str) -> tuple[str, float, float] | None:
    """The drawing, its height and how far it hangs below the line, in em; None for what mathtext cannot read."""
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser, math_to_image

    size, font = 10.0, FontProperties(size=10)
    try:
        with mpl.rc_context({"svg.hashsalt": "formula", "mathtext.fontset": "dejavuserif"}):
            _, height, depth, _, _ = MathTextParser("path").parse(f"${formula}$", dpi=72, prop=font)
            buffer = io.BytesIO()
            math_to_image(f"${formula}$", buffer, prop=font, dpi=72, format="svg")
    except ValueError:
        return None
    text = "\n".join(line for line in buffer.getvalue().decode().splitlines() if "<dc:date>" not in line)
    return base64.b64encode(text.encode()).decode(), height / size, depth / size
