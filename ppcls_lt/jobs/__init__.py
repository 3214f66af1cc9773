"""``ppcls-lt compare``: every recipe trained on the user's data, many runs at the same time.

``settings`` says what is compared, ``lists`` on which images, ``configs`` with which configurations, ``kept`` what the
folder holds of it, ``job`` is a run's folder, ``run`` one run, ``worker`` its process; ``pool`` has ``executors``
do the ``tasks`` that are missing, ``budget`` says which, round by round, where there is one; ``outcome`` judges what
they left, ``tuning`` seeks better values for a recipe, in its ``space``; ``refit`` makes the final model.
"""

from ..reports.parts.names import COMPARE as OWNER  # noqa: F401
