"""``ppcls-lt compare``: every recipe trained on the user's data, and which one helps.

``settings`` says what is compared, ``run`` is one run, ``worker`` its process, ``pool`` starts
those that are missing, ``results`` ranks what they left, and ``tables`` and
``page`` show it.
"""

OWNER = "ppcls-lt compare"
BASELINE = "ce"
# What accuracies are told over, in the order of the tables.
MEASURES = ("overall", "many", "medium", "few", "balanced")
