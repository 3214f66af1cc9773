"""The command ``ppcls-lt``, one file a command."""
