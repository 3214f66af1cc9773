"""``ppcls-lt compare``: every recipe trained on the user's data, and which one helps.

``settings`` says what is compared, ``run`` is one run's process, ``pool`` starts
those that are missing, ``results`` ranks what they left, and ``tables`` and
``page`` show it.
"""
