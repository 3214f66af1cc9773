"""The parts of scripts/regret.py: comparisons whose truth is known, what is trained for them, and what it says."""
