"""Functions of trainees: judged by what they give back, in a process from which nothing can be reached."""

import os
import socket
import tempfile
import textwrap
import time
from pathlib import Path

import polars as pl
import psutil
import pytest

from courses.checking import code
from courses.checking.exercise import Case

CASES = [Case(([3, 1, 2],), 6, shown=True), Case(([10],), 10)]


@pytest.fixture(params=["bubblewrap", "process"])
def isolation(request, monkeypatch):
    """Both ways in which a function may be kept apart, as far as this machine has them."""
    if request.param == "bubblewrap" and code.isolation() != "bubblewrap":
        pytest.skip("bubblewrap does not work on this machine")
    monkeypatch.setattr(code, "isolation", lambda: request.param)
    return request.param


def judged(source, cases=CASES, tolerance=1e-6):
    given = {"name": "f", "source": textwrap.dedent(source)}
    return " ".join(each.say("en") for each in code.differences(cases, given, tolerance))


def test_a_right_function_passes(isolation):
    assert judged("def f(numbers):\n    print('on its way')\n    return sum(numbers)") == ""


def test_what_a_wrong_function_is_told_shows_a_case_and_no_result(isolation):
    told = judged("def f(numbers):\n    return max(numbers)")
    assert told == "The function gives another result than expected in 1 of 2 cases. One of them: ([3, 1, 2])."


def test_an_object_that_says_it_equals_everything_does_not_win(isolation):
    trick = """
        class Yes(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        def f(numbers): return Yes(1)
    """
    assert judged(trick).startswith("The function gives another result")


@pytest.mark.parametrize(
    "forgery",
    [
        "import sys\ndef f(n):\n    sys.modules['courses.checking.canonical'].json_value = lambda v: 6\n    return 1",
        "import json\njson.dump = lambda *a, **k: None\ndef f(n): return 6",
        'import os\ndef f(n):\n    for h in range(3, 20):\n        try: os.write(h, b\'{"results": [{"output": 6}, {"output": 6}]}\')\n        except OSError: pass\n    os._exit(0)',
    ],
)
def test_who_forges_the_messenger_must_still_know_the_results(isolation, forgery):
    assert judged(forgery) != ""


TABLE = pl.DataFrame({"sex": ["F"], "n": [0.5]})


@pytest.mark.parametrize(
    "told",
    [
        "5",
        "[]",
        "null",
        '{"results": 5}',
        '{"results": [5, 5]}',
        '{"results": [{"output": 6}]}',
        '{"results": [{"error": 5}, {"error": 5}]}',
        '{"results": [{"output": {"table": 5}}, {"output": {"table": 5}}]}',
        '{"results": [{"output": {"table": {"columns": [["sex", "text"], ["n", "number"]], "rows": [{"F": 0, "n": 0}]}}}, {"output": 1}]}',
        '{"results": [{"output": {"mapping": 5}}, {"output": {"mapping": 5}}]}',
        '{"results": [{"output": {}}, {"output": {}}]}',
        '{"results": [{"output": 1' + "0" * 400 + '}, {"output": 1}]}',
        '{"results": [{"output": ' + "[" * 5_000 + "]" * 5_000 + '}, {"output": 1}]}',
        '{"syntax": 5}',
        "[" * 100_000,
    ],
)
def test_a_report_that_the_sandbox_would_not_give_is_a_failure_and_no_fault_of_ours(told, monkeypatch):
    monkeypatch.setattr(code, "run", lambda *_: code._told(None, told.encode(), time.monotonic() + 5))
    for output in (6.0, TABLE, {"a": 1.5}, [1.5]):
        assert judged("", [Case(([],), output), Case(([],), output)]) == "The function ended the process it ran in."


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(numbers)\n    return 1", "The source cannot be read as Python"),
        ("def f(numbers):\n    return numbers[99]", "It stops with IndexError: list index out of range."),
        ("def f(numbers):\n    return np.sum(numbers)", "import inside it what it needs"),
        ("def f(numbers):\n    return [0] * 10**10", "more memory than it may"),
        ("def f(numbers):\n    return 'x' * 10**7", "gave back too much"),
        ("def f(numbers):\n    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)", ""),
        ("def g(numbers):\n    return 1", "KeyError"),
    ],
)
def test_a_function_that_goes_wrong_is_told_so_in_a_sentence(isolation, source, told):
    assert told in judged(source) != ""


def test_a_function_that_never_ends_is_stopped(isolation, monkeypatch):
    monkeypatch.setattr(code, "SECONDS", 1)
    started = time.monotonic()
    assert judged("def f(numbers):\n    while True: pass") == "The function ran longer than 1 s and was stopped."
    assert judged("def f(numbers):\n    import time\n    time.sleep(60)").startswith("The function ran longer")
    assert time.monotonic() - started < 15


def test_processes_that_a_function_leaves_behind_end_with_it(isolation, monkeypatch, tmp_path):
    if isolation == "process":
        pytest.skip("there the function may make no process at all")
    monkeypatch.setattr(code, "SECONDS", 1)
    judged("import os\ndef f(numbers):\n    if os.fork() == 0:\n        while True: pass\n    return 6")
    code._spares(False).end()
    code._spares.cache_clear()
    time.sleep(0.5)
    # Others may have sandboxes at work too: what a function leaves lives below this process or not at all.
    assert [each for each in psutil.Process().children(recursive=True) if "/answer/_sandboxed.py" in _command(each)] == []


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_sandbox_that_could_not_be_made_is_made_when_somebody_asks_again(isolation, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    spares = code.Spares(bare=isolation == "process")
    with pytest.raises(FileNotFoundError), spares.one(has_polars=False):
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with spares.one(has_polars=False) as sandbox:
        assert sandbox.process.poll() is None
    spares.end()


def test_every_function_gets_a_sandbox_of_its_own_and_those_of_a_class_wait(isolation):
    spares = code.Spares(bare=isolation == "process")
    until = time.monotonic() + 60
    while len(spares._ready) < code.KEPT and time.monotonic() < until:
        time.sleep(0.05)
    assert (
        sorted(each.has_polars for each in spares._ready) == [False] * (code.KEPT - code.WITH_POLARS) + [True] * code.WITH_POLARS
    )
    used = []
    for has_polars in (True, False, True):
        with spares.one(has_polars) as sandbox:
            used.append((sandbox.process.pid, sandbox.has_polars))
        assert sandbox.process.poll() is not None
    assert [polars for _, polars in used] == [True, False, True]
    assert len({pid for pid, _ in used}) == 3
    spares.end()


def test_an_error_that_a_function_writes_itself_is_cut(isolation):
    forgery = """
        import json, os
        def f(numbers):
            for handle in range(3, 20):
                try: os.write(handle, json.dumps({report}).encode())
                except OSError: pass
            os._exit(0)
    """
    long = "'E' * 50_000"
    for report in (f"{{'results': [{{'error': {long}}}, {{'error': {long}}}]}}", f"{{'syntax': {long}}}"):
        told = judged(forgery.replace("{report}", report))
        assert "EEEEE" in told
        assert len(told) < 400


def test_the_network_is_out_of_reach(isolation):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = (
            f"def f(numbers):\n    import socket\n    socket.create_connection(('127.0.0.1', {port}), 2)\n    return sum(numbers)"
        )
        assert "It stops with" in judged(source)


def test_checks_and_secrets_are_out_of_reach(isolation, tmp_path):
    secret = tmp_path / "course.secret"
    secret.write_text("hidden")
    for path in (secret, Path(__file__).parent / "example" / "checks.py", Path("/etc/passwd")):
        assert "It stops with" in judged(f"def f(numbers):\n    open({str(path)!r}).read()\n    return sum(numbers)")


def test_the_environment_of_the_service_is_out_of_reach(isolation, monkeypatch):
    monkeypatch.setenv("PSCC_SECRET", "hidden")
    source = "def f(numbers):\n    import os\n    return sum(numbers) if 'PSCC_SECRET' not in os.environ else 0"
    assert judged(source) == ""


def test_a_flood_of_processes_is_bounded(isolation):
    flood = "import os\ndef f(numbers):\n    for _ in range(1000): os.fork()\n    return 6"
    started = time.monotonic()
    assert judged(flood) != ""
    assert time.monotonic() - started < 15


def test_frames_go_in_and_come_out(isolation):
    counted = pl.DataFrame({"sex": ["F", "M"], "n": [2, 1]})
    source = "def f(people):\n    import polars as pl\n    return people.group_by('sex').agg(pl.len().alias('n'))"
    assert judged(source, [Case((pl.DataFrame({"sex": ["F", "M", "F"]}),), counted)]) == ""


@pytest.mark.parametrize(
    ("expected", "given", "alike"),
    [
        ([1, 2], [2, 1], False),
        ([1, 2], [1, 2.0000000001], True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({1, 2}, {2, 1}, True),
        (True, 1, False),
        (None, 0, False),
        (float("nan"), None, True),
        ("x", ["x"], False),
    ],
)
def test_results_are_alike_as_json(expected, given, alike):
    assert code.same(code.json_value(expected), code.json_value(given), 1e-6) is alike


def test_a_function_without_anything_to_do_is_not_tried():
    assert code.is_empty({"source": 'def f(x):\n    """Adds."""\n    ...\n'})
    assert not code.is_empty({"source": "def f(x):\n    return 0\n"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave its user behind")
def test_a_function_does_not_run_as_root():
    if code.isolation() == "bubblewrap":
        assert judged("def f(numbers):\n    import os\n    return sum(numbers) if os.getuid() != 0 else 0") == ""
