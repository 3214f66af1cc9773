"""A library whose destructor ends the process in its own way: imported by a server of test_forks.py."""

import ctypes

STATUS = 9
library = ctypes.CDLL(None)
library.__cxa_atexit(library._exit, STATUS, None)
