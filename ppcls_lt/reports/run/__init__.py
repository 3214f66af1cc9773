"""A report of a run: one HTML page that needs no other file, its pictures and its tables.

Reads what the run left in its folder and needs neither Paddle nor PaddleClas;
the pictures need Matplotlib. ``writing.write`` does it all.
"""
