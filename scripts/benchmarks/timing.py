"""Timing in turns: what is compared is measured in one run, alternating, and told as a ratio with its spread."""

import concurrent.futures
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


def difference(seconds, base):
    """As :func:`ratio`, of the differences in seconds round by round."""
    differences = np.asarray(seconds) - np.asarray(base)
    chosen = np.random.default_rng(0).integers(len(differences), size=(_RESAMPLES, len(differences)))
    low, high = np.percentile(np.median(differences[chosen], axis=1), [2.5, 97.5])
    return {
        "median": float(np.median(differences)),
        "low": float(low),
        "high": float(high),
        "rounds": len(differences),
    }


def exponent(sizes, seconds):
    """The slope of time over size on logarithmic axes: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def bandwidth(megabytes=256, rounds=9):
    """Bytes that this machine copies in a second, by one thread and by two: read and written ones both count.

    Between two buffers far larger than the cache, which are there already: no page is asked of the system.
    """
    source = [np.ones(megabytes * 2**20 // 2, np.uint8) for _ in range(2)]
    target = [np.zeros_like(part) for part in source]

    def one():
        for pair in zip(target, source):
            np.copyto(*pair)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        seconds = in_turns({"one": one, "two": lambda: list(threads.map(np.copyto, target, source))}, rounds)
    return {name: 2 * megabytes * 2**20 / median(times) for name, times in seconds.items()}


def power_of_ten(size):
    """A size that is a power of ten, as ``10^6``."""
    return f"10^{round(float(np.log10(size)))}"
