"""The recipes as they were before they were made of parts: each a fragment, and what it made of two bases."""

import json
from pathlib import Path

_RECORDS = json.loads((Path(__file__).parent / "data" / "recipes.json").read_text(encoding="utf-8"))

# Name -> the fragment that was laid over a configuration.
FRAGMENTS = _RECORDS["fragments"]
BASES = _RECORDS["bases"]
# Name -> base -> the configuration of every stage.
PLANS = _RECORDS["plans"]
# Each is trained and combined with every batch operator; further parts are losses and the like, tried one by one.
COMPLETE = sorted(FRAGMENTS)
