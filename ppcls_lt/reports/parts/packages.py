"""The packages of the extra ``report``, which pages need."""

from ...basis import extras
from ...data import charts


def check() -> None:
    """Raise unless pages with pictures can be made here; called before the work of which they tell.

    Raises:
        ConfigError: Jinja2 or Matplotlib is not installed.
    """
    with extras.needed("Jinja2", "a page"):
        import jinja2  # noqa: F401
    charts.new_figure(1)
