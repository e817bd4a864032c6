"""A lesson that is open in JupyterLab, as hands and eyes use it."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

OPEN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
SAID = ".jp-OutputArea-output [role=status]"
# What stands before a cell that was run.
RUN = re.compile(r"\[\d+\]:")


class Notebook:
    """The notebook before somebody; comes back when its cells are there and its kernel is idle."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        # An empty notebook is shown for a moment before the lesson is there.
        page.locator(f"{OPEN} .jp-CodeCell", has_text="# exercise:").first.wait_for()
        self.wait()

    def wait(self) -> None:
        """Come back when the kernel has nothing left to do."""
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def cell(self, exercise: str) -> "Locator":
        """The cell of an exercise."""
        return self.page.locator(f"{OPEN} .jp-CodeCell", has_text=f"# exercise: {exercise}")

    def run_all(self) -> None:
        """Run every cell by the menu, and wait for the last one."""
        self.page.click(".lm-MenuBar-itemLabel:text-is('Run')")
        self.page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")
        self.page.locator(f"{OPEN} .jp-CodeCell .jp-InputPrompt").last.filter(has_text=RUN).wait_for()
        self.wait()

    def answer(self, exercise: str, source: str) -> str:
        """Write a cell anew, run it by the keyboard, and read what `check` says below it."""
        cell = self.cell(exercise)
        before = cell.locator(".jp-InputPrompt").inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Control+Enter")
        cell.locator(".jp-InputPrompt").filter(has_text=RUN, has_not_text=before).wait_for()
        return self.said(exercise)

    def said(self, exercise: str) -> str:
        """What `check` says below an exercise."""
        return str(self.cell(exercise).locator(SAID).inner_text())
