"""What a comparison measures, and what it measures against."""

from ..data.group_names import GROUPS

# The base as it is, a candidate among the recipes.
BASELINE = "base"
# What accuracies are told over, in the order of the tables.
MEASURES = ("overall", *GROUPS, "balanced")
