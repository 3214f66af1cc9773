"""Recipes: named fragments of a configuration, each made of parts, that turn any base into one remedy."""

from . import ranges
from .combination import Part, Recipe, of_config, read
from .files import known, names, read_content
from .kinds import KINDS
from .laying import laid

__all__ = ["KINDS", "Part", "Recipe", "known", "laid", "names", "of_config", "ranges", "read", "read_content"]
