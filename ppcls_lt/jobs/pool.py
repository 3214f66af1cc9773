"""Having the tasks that are missing done, and following them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Callable

from ..basis.checks import ConfigError
from ..reports.comparison.messages import ENGLISH, duration
from .executors import Executor, log_of
from .tasks import Task

_POLL = 0.5
# Seconds between lines on what is running; more where there is no terminal to overwrite.
_OFTEN, _EVERY = 2.0, 60.0


class Pool:
    """Lets an executor do tasks, and tells how they come on.

    Args:
        tasks (sequence of Task): what to do, in order.
        executor (Executor): what does them.
        say (callable): takes a line of text for the user.
        status (callable, optional): takes a line that replaces the one before.
        words (dict): key -> text, in the language of the user.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        executor: Executor,
        say: Callable,
        status: Callable | None = None,
        words: Mapping[str, str] = ENGLISH,
    ) -> None:
        self._words = words
        self._left_to_do = list(tasks)
        self._total = len(tasks)
        self._executor = executor
        self._say = say
        self._status = status
        self._units = sum(task.epochs for task in tasks)  # epochs of all of them but those that failed
        self._past = 0  # epochs that were trained here in tasks that ended
        self._earlier = {task: task.trained for task in tasks}
        self._begun = time.monotonic()
        self._told = self._begun
        self.failures: list[tuple] = []  # of (task, reason)

    def work(self, finished: Callable[[], Any] = lambda: None) -> None:
        """Do all tasks; ``finished()`` is called after each that ended.

        Raises:
            ConfigError: the baseline's configuration, which is the user's own, proved wrong when it was built; the
                executor cannot do the tasks.
            KeyboardInterrupt: the process was interrupted or told to end; the executor has given up what was running.
        """
        with _told_to_end():
            try:
                self._executor.begin(list(self._left_to_do))
                while self._left_to_do:
                    time.sleep(_POLL)
                    for each in self._executor.ended():
                        self._end(each)
                        finished()
                    self._tell()
            except KeyboardInterrupt:
                advice = self._executor.stop(interrupted=True)
                if advice:
                    self._say(advice)
                raise
            except BaseException:
                self._executor.stop(interrupted=False)
                raise

    def _end(self, ended):
        task, log = ended.task, log_of(ended.task)
        self._left_to_do.remove(task)
        trained = task.trained
        self._past += trained - self._earlier[task]
        self._units -= task.epochs - trained
        facts = {"task": task.called(self._words)}
        if task.complete:
            said = "task_done"
            facts["time"] = duration(ended.seconds, self._words)
        else:
            said = "task_failed"
            reason = ended.reason or _reason(ended.code, log, ended.start, self._words)
            if ended.code == 2 and task.of_base:
                raise ConfigError(f"{reason} (the base itself cannot be trained; see {log})")
            self.failures.append((task, reason))
            facts.update(reason=reason, log=str(log))
        done = self._total - len(self._left_to_do)
        self._say(self._words[said].format(done=done, all=self._total, left=self._left(), **facts))
        self._told = time.monotonic()

    def _tell(self):
        if time.monotonic() - self._told < (_EVERY if self._status is None else _OFTEN):
            return
        self._told = time.monotonic()
        words = self._words
        parts = [
            words["task_running"].format(task=task.called(words), trained=task.trained, epochs=task.epochs)
            for task in self._executor.running
        ]
        if parts:
            said = words["running"].format(tasks=words["semicolon"].join(parts), left=self._left())
            (self._status or self._say)(said)

    def _left(self):
        """An estimate from the epochs trained since the beginning, or nothing yet."""
        now = sum(task.trained - self._earlier[task] for task in self._executor.running)
        trained = self._past + now
        left = self._units - sum(self._earlier.values()) - trained
        if trained <= 0 or not self._left_to_do:
            return ""
        time_left = duration((time.monotonic() - self._begun) / trained * left, self._words)
        return self._words["left"].format(time=time_left)


def _reason(code, log, start, words=ENGLISH):
    """Why a run failed: the last line it wrote, or the signal that ended it."""
    if code is None:
        return words["ended_outside"]
    if code < 0:
        return words["ended_for_memory" if code == -9 else "ended_by_signal"].format(number=-code)
    with open(log, "rb") as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    # After an error Paddle or its threads may still say something.
    errors = [line for line in lines if "Error" in line or "error: " in line]
    last = (errors or lines or [words["ended_with_status"].format(status=code)])[-1]
    return last.removeprefix("ppcls-lt: error: ")


@contextmanager
def _told_to_end():
    """Within it, SIGTERM and SIGHUP end the work as Ctrl-C does; the exception has the signal's number."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets the main thread alone say what a signal does
        return

    def interrupt(number, _):
        raise KeyboardInterrupt(number)

    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What is ignored stays ignored: `nohup` asks for it.
    before = {each: signal.signal(each, interrupt) for each in known if signal.getsignal(each) != signal.SIG_IGN}
    try:
        yield
    finally:
        for each, handler in before.items():
            # None: a handler that was not installed by Python.
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
