"""``ppcls-lt compare``: every recipe trained on the user's data, many runs at the same time.

``settings`` says what is compared, ``kept`` what the folder holds of it, ``job`` is a run's folder, ``run`` one
run, ``worker`` its process; ``pool`` has one of ``executors`` do the ``tasks`` that are missing; ``runs.results`` ranks
what they left.
"""

from ..reports.parts.names import COMPARE as OWNER  # noqa: F401
