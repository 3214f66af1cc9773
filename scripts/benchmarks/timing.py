"""Timing in turns: what is compared is measured in one run, alternating, and told as a ratio with its spread."""

import datetime
import os
import platform
import time

import numpy as np

# Draws of the bootstrap behind an interval.
_RESAMPLES = 2000


def in_turns(subjects, rounds, warm_up=2):
    """Seconds of each call: every round calls each subject once, in an order that alternates.

    Args:
        subjects (dict): name -> function without arguments.
        rounds (int): how many times each is called and counted.
        warm_up (int): rounds before that are not counted.

    Returns:
        dict: name -> list of seconds, by round.
    """
    seconds = {name: [] for name in subjects}
    for turn in range(-warm_up, rounds):
        order = list(subjects) if turn % 2 == 0 else list(subjects)[::-1]
        for name in order:
            start = time.perf_counter()
            subjects[name]()
            took = time.perf_counter() - start
            if turn >= 0:
                seconds[name].append(took)
    return seconds


def ratio(seconds, base):
    """The median of the ratios round by round, with its 95 % interval by bootstrap.

    Args:
        seconds (list of float): of one subject, by round.
        base (list of float): of what it is compared with, in the same rounds.

    Returns:
        dict: ``median``, ``low``, ``high``, ``rounds``.
    """
    ratios = np.asarray(seconds) / np.asarray(base)
    chosen = np.random.default_rng(0).integers(len(ratios), size=(_RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[chosen], axis=1), [2.5, 97.5])
    return {"median": float(np.median(ratios)), "low": float(low), "high": float(high), "rounds": len(ratios)}


def shown(figure):
    """A ratio as ``1.03 (1.01 to 1.05)``."""
    return f"{figure['median']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"


def median(seconds):
    """The median of seconds, as a plain number."""
    return float(np.median(seconds))


def machine():
    """What was measured on: processor, cores, memory, system, versions, date."""
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    return {
        "processor": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "date": datetime.date.today().isoformat(),
        **versions,
    }


def _cpu():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor()


def line(results):
    """One line about the machine of a result."""
    where = results["machine"]
    return (
        f"{where['processor']}, {where['cores']} cores, {where['memory_gib']} GiB, {where['system']}, "
        f"Python {where['python']}, NumPy {where['numpy']}, {where['date']}."
    )
