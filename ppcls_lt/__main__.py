"""``python -m ppcls_lt`` is the command ``ppcls-lt``."""

import sys

from .cli import main

sys.exit(main())
