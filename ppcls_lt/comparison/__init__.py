"""``ppcls-lt compare``: every recipe trained on the user's data, and which one helps.

``settings`` says what is compared, ``kept`` what the folder holds of it, ``job`` is a run's folder, ``run`` one
run, ``worker`` its process, ``pool`` starts those that are missing, ``results`` ranks what they left, and
``tables`` and ``page`` show it.
"""

OWNER = "ppcls-lt compare"
# The base as it is, a candidate among the recipes.
BASELINE = "base"
# What accuracies are told over, in the order of the tables.
MEASURES = ("overall", "many", "medium", "few", "balanced")
