"""Python command lines that start at once: each is forked from a process in which the slow imports are done.

Paddle and what PaddleClas imports besides take three seconds; nothing of this package or of PaddleClas is imported
beforehand, so that a command line finds both on its own path. ``python forks.py FOLDER NAME ...`` is that process: it
imports the modules and forks once for each line of JSON on its standard input. A forked command line has its own
session, folder, environment, path, arguments and ``__main__``, and ends as an interpreter does. What an interpreter
reads only when it starts cannot be given to it: see :func:`suits`.

On Linux the ``sys.executable`` of a forked command line is a small program that has its own command lines forked in the
same way (:func:`interpret`), so that what starts others with it, a comparison or Paddle's launcher, need not wait for
their imports either.
"""

import atexit
import contextlib
import ctypes
import functools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import types
from pathlib import Path

PATIENCE = 1200  # seconds: ends what hangs, and nothing that is slow beside others on a busy machine
PLAIN = ("numpy", "yaml")
# zlib comes before Paddle 2.6, as the package itself has it.
WITH_PADDLE = (
    *("zlib", "numpy", "yaml", "paddle", "paddle.distributed.fleet", "cv2", "PIL.Image", "scipy.stats"),
    *("sklearn.metrics", "sklearn.datasets", "visualdl", "matplotlib.pyplot"),
)
# Variables that begin so are read by the interpreter, by Paddle or by a library when it is started or imported.
_READ_AT_START = ("PYTHON", "FLAGS_", "GLOG_", "MKL_", "OPENBLAS_", "MPL", "LC_", "LANG")
_NOT_FOR_LIBRARIES = (("-m", "pip"),)


def suits(arguments, environment, start=None):
    """Whether a command line can be forked: not if a variable of the kind above differs from those of the start."""

    def early(variables):
        found = {name: value for name, value in variables.items() if name.startswith(_READ_AT_START)}
        found.pop("PYTHONPATH", None)  # this one can be given
        return {"PYTHONIOENCODING": "utf-8", **found}

    return (
        hasattr(os, "fork")
        and tuple(arguments[:2]) not in _NOT_FOR_LIBRARIES
        and early(environment) == early(_START if start is None else start)
    )


_START = dict(os.environ)
_INTERPRETER = None  # what a forked command line has as `sys.executable`, or None for the one that runs this


class Started:
    """Command lines that were forked together.

    Args:
        names (tuple of str): the modules that they find imported.
        starts (list of dict): of each: ``arguments`` (those behind ``python``), ``cwd``, ``environment`` (the whole),
            ``stdout`` and ``stderr`` (paths; None: that of ``stdout``).
    """

    def __init__(self, names, starts):
        self._server = _server(names)
        self._server.ask(starts)
        self.pids = self._server.answer()
        self.statuses = [None] * len(self.pids)  # as those of `subprocess`: negative for a signal

    def wait(self, timeout, until=lambda statuses: None not in statuses):
        """Wait until all have ended, or ``until`` holds of the statuses; return whether that came in time."""
        while not until(self.statuses):
            told = self._server.answer(timeout)
            if told is None:
                return False
            self.statuses[told[0]] = told[1]
        return True

    def kill(self, number=signal.SIGKILL):
        """Send a signal to each and to what it has started, whether it has ended or not."""
        for pid in self.pids:
            try:
                os.killpg(pid, number)
            except ProcessLookupError:
                pass

    def end(self):
        """End whatever is left."""
        self.kill()
        self.wait(None)


def run(names, arguments, *, cwd, environment, timeout, joined=False):
    """Run a command line as :func:`subprocess.run` does, capturing its output; whatever it leaves running ends with it.

    Args:
        names (tuple of str): the modules that it finds imported.
        arguments (list of str): those behind ``python``.
        joined (bool): its errors go where its output goes.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = (os.path.join(folder, name) for name in ("out", "err"))
        start = {"arguments": arguments, "cwd": str(cwd), "environment": environment, "stdout": out}
        started = Started(names, [{**start, "stderr": None if joined else err}])
        in_time = started.wait(timeout)
        started.end()
        found = [None if joined and path == err else Path(path).read_bytes() for path in (out, err)]
    if not in_time:
        raise subprocess.TimeoutExpired(arguments, timeout, *found)
    return subprocess.CompletedProcess(arguments, started.statuses[0], *found)


class _Server:
    """The process that forks, and what it has told."""

    def __init__(self, names):
        self._told = b""
        self._folder = tempfile.TemporaryDirectory(prefix="forks_")
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._folder.name, *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={**_START, "PYTHONIOENCODING": "utf-8"},
            start_new_session=True,  # it ends with its standard input, not with a key that is pressed
        )
        atexit.register(self._end)

    def _end(self):
        """End it; what was forked from this process, such as a worker of a loader, may hold its standard input open."""
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def ask(self, request):
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, timeout=None):
        """The next thing it tells, or None if that takes longer."""
        file = self._process.stdout.fileno()
        while b"\n" not in self._told:
            if not select.select([file], [], [], timeout)[0]:
                return None
            read = os.read(file, 65536)
            if not read:
                raise RuntimeError("the process that forks command lines has ended")
            self._told += read
        line, _, self._told = self._told.partition(b"\n")
        return json.loads(line)


@functools.cache
def _server(names):
    return _Server(names)


def _serve():
    """Fork for every request and tell how each process ended; return, in a forked process, what it is to be."""
    replies = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while True:
        request = sys.stdin.readline()
        if not request:
            sys.exit()
        running = {}
        starts = json.loads(request)
        for index, start in enumerate(starts):
            pid = os.fork()
            if pid == 0:
                os.close(replies)
                return start
            running[pid] = index
        _tell(replies, list(running))
        while running:
            pid, status = os.wait()
            _tell(replies, [running.pop(pid), os.waitstatus_to_exitcode(status)])


def _serve_interpreter(folder):
    """Fork the process that serves ``sys.executable``; return what this is to be: a command line, or None.

    The program is a script in the folder, beside the socket by which it asks.
    """
    global _INTERPRETER
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.join(folder, "socket"))
    server.listen(64)
    Path(folder, "start.json").write_text(json.dumps([sys.executable, _START]))
    _INTERPRETER = os.path.join(folder, "python")
    lines = f"import sys\nsys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\n"
    lines += f"import forks\nforks.interpret({folder!r})\n"
    Path(_INTERPRETER).write_text(f"#!{sys.executable} -IS\n{lines}")
    os.chmod(_INTERPRETER, 0o700)
    if os.fork():
        server.close()
        return None
    _end_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # none is waited for
    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            _end_with_parent()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _serve_one(connection)
        connection.close()


def _serve_one(connection):
    """Fork one command line; return, in it, what it is to be. The other process tells of it and ends."""
    head, files, *_ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as asked:
        start = json.loads(asked.read(int.from_bytes(head, "big")))
    pid = os.fork()
    if pid == 0:
        connection.close()
        return {**start, "files": files}
    for file in files:
        os.close(file)
    connection.sendall(b"%d\n" % pid)
    ended = os.pidfd_open(pid)
    if ended not in select.select([ended, connection], [], [])[0]:  # who asked is gone
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(b"%d\n" % status)
    os._exit(0)


def interpret(folder):
    """What ``sys.executable`` does: have its command line forked, or start an interpreter where that cannot be."""
    executable, start = json.loads(Path(folder, "start.json").read_text())
    arguments = sys.argv[1:]
    unbuffered = arguments[:1] == ["-u"]
    of_program = arguments[unbuffered:]
    module_or_file = of_program[:1] and (of_program[0] == "-m" or not of_program[0].startswith("-"))
    if not module_or_file or not suits(of_program, dict(os.environ), start):
        os.execv(executable, [executable, *arguments])
    asked = {"arguments": of_program, "unbuffered": unbuffered, "cwd": os.getcwd(), "environment": dict(os.environ)}
    request = json.dumps(asked).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(folder, "socket"))
    socket.send_fds(connection, [len(request).to_bytes(8, "big")], [0, 1, 2])
    connection.sendall(request)
    with connection.makefile("rb") as told:
        pid = int(told.readline())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: os.kill(pid, number))
        status = int(told.readline())
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _tell(replies, value):
    os.write(replies, json.dumps(value).encode() + b"\n")


def _end_with_parent():
    """Let Linux kill this process when the one that made it is gone, so that killed tests leave nothing running."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _end_without_destructors():
    """Let this process end, behind Python's own end, without the destructors of what was loaded before the fork.

    One of Paddle's would wait for ever for a lock that a thread held when this process was forked: that thread, which
    wakes up once a second, is not in this process to let it go.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "on_exit"):  # the last that is registered comes first
        library.on_exit(library._exit, None)
        library.__cxa_atexit(library.fflush, None, None)


def _become(start):
    """Make this process look as if an interpreter had been started."""
    _end_with_parent()
    _end_without_destructors()
    os.setsid()
    os.chdir(start["cwd"])
    if "files" in start:
        files = start["files"]
    else:
        output = os.open(start["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        errors = output if start["stderr"] is None else os.open(start["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        files = os.open(os.devnull, os.O_RDONLY), output, errors
    for number, file in enumerate(files):
        os.dup2(file, number)
    if start.get("unbuffered"):
        sys.stdout.reconfigure(write_through=True)
    if _INTERPRETER is not None:
        sys.executable = _INTERPRETER
    os.environ.clear()
    os.environ.update(start["environment"])
    path = [entry for entry in start["environment"].get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [*path, *_PATH]
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # each its own, as that of a new process


def _run(arguments):
    """What ``python`` does with these arguments."""
    first, *rest = arguments
    if first == "-m":
        sys.argv[:] = rest
        sys.path.insert(0, os.getcwd())
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    main = types.ModuleType("__main__")
    if first == "-c":
        sys.argv[:] = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        code = compile(rest[0], "<string>", "exec")
    else:
        sys.argv[:] = arguments
        sys.path.insert(0, str(Path(first).resolve().parent))
        main.__file__ = first
        code = compile(Path(first).read_bytes(), first, "exec")
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


if __name__ == "__main__":
    _end_with_parent()
    for _name in sys.argv[2:]:
        __import__(_name)
    # Without this file's folder, and without what PYTHONPATH has put there.
    _before = [os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    _PATH = [entry for entry in sys.path[1:] if entry not in _before]
    _start = _serve_interpreter(sys.argv[1]) if sys.platform == "linux" else None
    if _start is None:
        _start = _serve()
    _become(_start)
    _run(_start["arguments"])
