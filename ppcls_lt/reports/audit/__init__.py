"""The page of `ppcls-lt audit`."""
