"""Images with a JSON file of the same name beside them, as EasyDL writes: ``{"labels": [{"name": "cat"}]}``."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

from ...basis import checks
from ..image_files import below
from .images import Found, passed_over


def are_there(folder: str | os.PathLike) -> bool:
    """Whether most images in a folder have such files beside them; a few are another tool's."""
    beside = [(Path(folder) / path).with_suffix(".json").is_file() for path in below(folder, Counter())]
    return 2 * sum(beside) > len(beside)


def read(folder: str | os.PathLike, owner: str) -> Found:
    """Return the images below a folder that have a JSON file, the class of each by the only label in it.

    Args:
        folder (str): the folder.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: a file is no such JSON, or has another number of labels than one.
    """
    others: Counter = Counter()
    images, classes, without = [], [], 0
    for path in below(folder, others):
        beside = (Path(folder) / path).with_suffix(".json")
        if beside.is_file():
            images.append(path)
            classes.append(_label(beside, owner))
        else:
            without += 1
    others[".json"] -= len(images)
    told = [f"left out, no JSON file beside them: {without} images"] if without else []
    return Found(images, classes, list(images), [None] * len(images), None, told + passed_over(+others))


def _label(path, owner):
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        names = [label["name"] for label in content["labels"]]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        expected = 'a JSON file with {"labels": [{"name": ...}]}'
        checks.fail(owner, str(path), expected, checks.described(f"{type(error).__name__}: {error}"))
    if len(names) != 1 or not isinstance(names[0], str):
        checks.fail(owner, str(path), "a JSON file with one label, a name", names)
    return names[0].strip()
