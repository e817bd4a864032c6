"""Lessons as a trainee would run them: in a kernel of their own, from the first cell to the last, answers sent to a desk."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courses.authoring import lesson as lessons
from courses.authoring.desk import Desk
from courses.authoring.temporary import temporary
from courses.checking.course import Course, Lesson

ROOT = Path(__file__).parents[2]
SECONDS_A_CELL = 300
# A lesson that imports it may ask Spark.
KIT = "courses.kit"
# Nothing of the author's own surroundings is handed on but what a kernel needs to start.
HANDED_ON = (
    "PATH",
    "LANG",
    "TMPDIR",
    "VIRTUAL_ENV",
    "JAVA_HOME",
    "SPARK_REMOTE",
    "PSCC_ENGINE",
    "PSCC_JARS",
    "JUPYTER_PATH",
)


@dataclass(frozen=True)
class Run:
    """How a lesson went: which exercises passed, how many answers were judged by then, where it stopped, and the notebook with what its cells gave."""

    course: str
    lesson: str
    passed: dict[str, bool]
    attempts: int
    stopped: str | None
    seconds: float
    notebook: Any

    @property
    def is_complete(self) -> bool:
        return self.stopped is None and all(self.passed.values())


def run_solution(course: Course, lesson: Lesson, desk: Desk) -> Run:
    """The lesson with its solutions: every exercise should pass."""
    with _kernel(desk) as kernel:
        return _run(course, lesson, lessons.solution(course, lesson), desk, kernel, to_the_end=False)


def run_unsolved(course: Course, lesson: Lesson, desk: Desk) -> Run:
    """The trainee's notebook as it was handed out, past every error: no exercise should pass."""
    with _kernel(desk) as kernel:
        return _run(course, lesson, lessons.trainee(course, lesson), desk, kernel, to_the_end=True)


def run_both(course: Course, lesson: Lesson, desk: Desk) -> tuple[Run, Run]:
    """The lesson as it was handed out, then with its solutions, in one kernel that forgets every name in between.

    What a kernel imports costs more than what a lesson computes.
    """
    with _kernel(desk) as kernel:
        unsolved = _run(course, lesson, lessons.trainee(course, lesson), desk, kernel, to_the_end=True)
        kernel.forget()
        return unsolved, _run(course, lesson, lessons.solution(course, lesson), desk, kernel, to_the_end=False)


def _run(course: Course, lesson: Lesson, notebook: Any, desk: Desk, kernel: "_Kernel", to_the_end: bool) -> Run:
    started = time.monotonic()
    stopped = kernel.execute(notebook, to_the_end)
    passed, attempts = desk.passed(course.slug, lesson.name), desk.attempts(course.slug, lesson.name)
    return Run(course.slug, lesson.name, passed, attempts, stopped, time.monotonic() - started, notebook)


@contextmanager
def _kernel(desk: Desk) -> Iterator["_Kernel"]:
    """A kernel with a home of its own; it starts with the first notebook and ends with the block."""
    with temporary("lesson") as folder:
        kernel = _Kernel(str(folder), desk)
        try:
            yield kernel
        finally:
            kernel.end()


class _Kernel:
    """One kernel, and the notebooks that are run in it one after the other."""

    def __init__(self, folder: str, desk: Desk) -> None:
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import AsyncKernelManager

        self.folder, self.desk, self._client = folder, desk, None
        self.manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{folder}/.kernel")
        # The very interpreter that builds, whatever a kernel of that name may be elsewhere on the machine.
        self.manager._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
        )

    def execute(self, notebook: Any, to_the_end: bool) -> str | None:
        """Runs the cells of a notebook; where and why they stopped, None where they came to the end."""
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        client = NotebookClient(
            notebook,
            km=self.manager,
            timeout=SECONDS_A_CELL,
            startup_timeout=SECONDS_A_CELL,
            allow_errors=to_the_end,
            resources={"metadata": {"path": self.folder}},
        )
        client.kc = self._client
        try:
            with _handler_kept():
                client.execute(env={"HOME": self.folder, **_environment(notebook, self.desk)}, cwd=self.folder)
        except CellExecutionError as error:
            return f"{error.ename}: {error.evalue}"[:500]
        except CellTimeoutError:
            return f"a cell ran longer than {SECONDS_A_CELL} s"
        except (DeadKernelError, RuntimeError) as error:
            return f"a kernel that died or did not start ({error})"
        finally:
            self._client = client.kc
        return None

    def forget(self) -> None:
        """Takes away every name that the notebooks before have set."""
        from nbformat.v4 import new_code_cell, new_notebook

        self.execute(new_notebook(cells=[new_code_cell("%reset -f")]), to_the_end=False)

    def end(self) -> None:
        """Ends the kernel: nbclient leaves one alone that it did not choose itself."""
        from jupyter_core.utils import run_sync

        if self._client is not None:
            self._client.stop_channels()
        if self.manager.has_kernel:
            run_sync(self.manager.shutdown_kernel)(now=True)


@contextmanager
def _handler_kept() -> Iterator[None]:
    """Whoever ends us from outside is heard afterwards as before: nbclient puts a handler of its own in place, then the system's."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _environment(notebook: Any, desk: Desk) -> dict[str, str]:
    handed = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    if any(KIT in cell.source for cell in notebook.cells):
        handed["SPARK_REMOTE"] = desk.engines.remote()
    return {
        **handed,
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        **desk.environment(),
    }


@contextmanager
def quiet_kernels() -> Iterator[None]:
    """Kernels complain of frozen modules on the author's screen; here they do not."""
    before = os.environ.get("PYDEVD_DISABLE_FILE_VALIDATION")
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYDEVD_DISABLE_FILE_VALIDATION"]
