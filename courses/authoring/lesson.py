"""A lesson as an author wrote it, and what a trainee may see of it."""

import ast
import hashlib
import re
import textwrap
from typing import Any

from courses.checking.course import EXERCISE, Course, Lesson
from courses.checking.errors import BadCourse

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
BLOCK = re.compile(rf"^(?P<indent>[ \t]*){BEGIN}[ \t]*\n(?P<lines>.*?)^[ \t]*{END}[ \t]*$", re.MULTILINE | re.DOTALL)
NOTES = "## Instructor notes"
FRONT_MATTER = re.compile(r"\A---\n(?:[^#\n][^\n]*\n)+?---\n")
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)
YOUR_TURN = "# Your answer:"


def solution(course: Course, lesson: Lesson) -> Any:
    """The whole lesson as a notebook: solutions, instructor notes and all."""
    return _notebook(course, lesson, lesson.text)


def trainee(course: Course, lesson: Lesson) -> Any:
    """The lesson without solutions and instructor notes; a name that the solution gave stands there as None, so that the cell runs."""
    notebook = _notebook(course, lesson, without_notes(lesson.text))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cut(cell.source)
    return notebook


def _notebook(course: Course, lesson: Lesson, text: str) -> Any:
    import jupytext
    from yaml import YAMLError

    if not FRONT_MATTER.match(text):
        raise BadCourse(
            f"Expected {course.slug}/{lesson.path.name} to begin with its jupytext header between two lines of ---, found none."
        )
    try:
        notebook = jupytext.reads(text, fmt="md:myst")
    except (ValueError, YAMLError) as reason:
        raise BadCourse(
            f"Expected MyST in {course.slug}/{lesson.path.name}, found: {' '.join(str(reason).split())[:300]}"
        ) from None
    notebook.metadata = {**KERNEL, "pscc": {"course": course.slug, "lesson": lesson.name, "version": course.version}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for index, cell in enumerate(notebook.cells):
        cell.id = cell_id(course.slug, lesson.name, index)
        found = EXERCISE.match(cell.source) if cell.cell_type == "code" else None
        if found:
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "exercise"})
            cell.metadata["exercise"] = f"{course.slug}.{lesson.name}.{found[1]}"
    return notebook


def cell_id(course: str, lesson: str, index: int) -> str:
    """Always the same for a cell, so that two builds give the same bytes."""
    return hashlib.sha256(f"{course}/{lesson}/{index}".encode()).hexdigest()[:12]


def without_notes(text: str) -> str:
    """The text up to the instructor notes, and from the next heading of their rank on."""
    kept, in_notes, in_code = [], False, False
    for line in text.splitlines(keepends=True):
        in_code ^= line.startswith("```")
        if not in_code and line.startswith(("# ", "## ")):
            in_notes = line.strip() == NOTES
        if not in_notes:
            kept.append(line)
    return "".join(kept).rstrip("\n") + "\n"


def cut(source: str) -> str:
    """The source of a cell with something to fill in where the solution stood."""
    if BEGIN not in source:
        return source
    rest = BLOCK.sub("", source)
    return BLOCK.sub(
        lambda block: textwrap.indent(_to_fill_in(block["lines"], rest, bool(block["indent"])), block["indent"]), source
    )


def solutions(source: str) -> list[str]:
    """The solutions that stand in a cell."""
    return [block["lines"].strip("\n") for block in BLOCK.finditer(source)]


def _to_fill_in(block: str, rest: str, indented: bool) -> str:
    """What the rest of the cell needs from the solution and does not set itself: a name becomes None, a function keeps its head."""
    tree, around = _parsed(block), _parsed(rest)
    needed = {node.id for node in ast.walk(around) if isinstance(node, ast.Name)} - set(_bound(around, functions_too=indented))
    lines = [YOUR_TURN]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in needed:
            lines.append(f"def {node.name}({ast.unparse(node.args)}):\n    ...\n")
            needed.discard(node.name)
    lines += [f"{name} = None" for name in _bound(tree) if name in needed]
    return "\n".join(lines)


def _bound(tree: ast.Module, functions_too: bool = False) -> list[str]:
    """Names that the statements give a value to, in their order, those inside functions left out unless they are asked for."""
    functions = () if functions_too else (top for top in ast.walk(tree) if isinstance(top, ast.FunctionDef | ast.Lambda))
    inside = {id(node) for top in functions for node in ast.walk(top)}
    stores = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in inside]
    return list(dict.fromkeys(node.id for node in sorted(stores, key=lambda node: (node.lineno, node.col_offset))))


def can_be_read(source: str) -> bool:
    """True for a cell that is Python, its magics left out."""
    try:
        ast.parse(MAGIC.sub("", source))
    except SyntaxError:
        return False
    return True


def _parsed(source: str) -> ast.Module:
    """The source without its magics; nothing where it still is no Python."""
    plain = MAGIC.sub("", textwrap.dedent(source))
    return ast.parse(plain) if can_be_read(plain) else ast.Module(body=[], type_ignores=[])
