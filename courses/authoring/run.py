"""Lessons as a trainee would run them: in a kernel of their own, from the first cell to the last, answers sent to a desk."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courses.authoring import lesson as lessons
from courses.authoring.desk import Desk
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
    """How a lesson went: which exercises passed, where it stopped, and the notebook with what its cells gave."""

    course: str
    lesson: str
    passed: dict[str, bool]
    stopped: str | None
    seconds: float
    notebook: Any

    @property
    def is_complete(self) -> bool:
        return self.stopped is None and all(self.passed.values())


def run_solution(course: Course, lesson: Lesson, desk: Desk) -> Run:
    """The lesson with its solutions: every exercise should pass."""
    return _run(course, lesson, lessons.solution(course, lesson), desk, to_the_end=False)


def run_unsolved(course: Course, lesson: Lesson, desk: Desk) -> Run:
    """The trainee's notebook as it was handed out, past every error: no exercise should pass."""
    return _run(course, lesson, lessons.trainee(course, lesson), desk, to_the_end=True)


def _run(course: Course, lesson: Lesson, notebook: Any, desk: Desk, to_the_end: bool) -> Run:
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    started, stopped = time.monotonic(), None
    with tempfile.TemporaryDirectory(prefix="lesson-") as folder:
        client = _client(notebook, folder, to_the_end)
        try:
            client.execute(env={"HOME": folder, **_environment(notebook, desk)}, cwd=folder)
        except CellExecutionError as error:
            stopped = f"{error.ename}: {error.evalue}"[:500]
        except CellTimeoutError:
            stopped = f"a cell ran longer than {SECONDS_A_CELL} s"
        except (DeadKernelError, RuntimeError) as error:
            stopped = f"a kernel that died or did not start ({error})"
        finally:
            _end(client)
    return Run(course.slug, lesson.name, desk.passed(course.slug, lesson.name), stopped, time.monotonic() - started, notebook)


def _client(notebook: Any, folder: str, to_the_end: bool) -> Any:
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{folder}/.kernel")
    # The very interpreter that builds, whatever a kernel of that name may be elsewhere on the machine.
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
    )
    return NotebookClient(
        notebook,
        km=manager,
        timeout=SECONDS_A_CELL,
        startup_timeout=SECONDS_A_CELL,
        allow_errors=to_the_end,
        resources={"metadata": {"path": folder}},
    )


def _end(client: Any) -> None:
    """Ends the kernel: nbclient leaves one alone that it did not choose itself."""
    from jupyter_core.utils import run_sync

    if client.kc is not None:
        client.kc.stop_channels()
    if client.km.has_kernel:
        run_sync(client.km.shutdown_kernel)(now=True)


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
