"""``python -m ppcls_lt`` is the command ``ppcls-lt``."""

import sys

from .commands.main import main

sys.exit(main())
