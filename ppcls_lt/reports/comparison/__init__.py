"""What `ppcls-lt compare` shows: in a terminal, as Markdown, as CSV files, and as a page."""
