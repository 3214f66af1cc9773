"""Pages from Jinja2 templates, which lie beside the modules that fill them; all text in them is escaped."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import __version__
from . import numbers

_FOLDER = Path(__file__).parent.parent


def render(template: str, words: Mapping[str, str], **values: Any) -> str:
    """Return the HTML of a page.

    In a template ``say(key, ...)`` is a text with its gaps filled, and
    ``percent``, ``whole``, ``short``, ``pieces`` and ``base64`` are filters.

    Args:
        template (str): its file, relative to the folder of all reports.
        words (dict): key -> text, in the language of the page.
        values: what the template shows, by name.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,  # a misspelt name is an error, and not nothing
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=numbers.percent,
        whole=numbers.whole,
        short=numbers.short,
        pieces=_pieces,
        base64=lambda data: base64.b64encode(data).decode(),
    )

    def say(key, **gaps):
        return words[key].format(**gaps)

    return environment.get_template(template).render(say=say, version=__version__, **values)


def _pieces(cell):
    """The pieces of a text between which a long name may go on in a new line: behind ``+``, ``.``, ``/`` and ``_``."""
    return re.split(r"(?<=\w[+./_])(?=[^\W\d])", str(cell))
