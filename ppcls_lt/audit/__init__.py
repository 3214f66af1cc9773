"""What is wrong with a data set: its images before training, its labels with held-out predictions after."""

OWNER = "ppcls-lt audit"
# The extra that brings the packages made for it.
EXTRA = "audit"
