"""What pages are called, and their languages; loads nothing."""

LANGUAGES = ("en", "zh")
# A page, and the folder beside it with its pictures and tables.
REPORT, REPORT_FOLDER = "report.html", "report"
COMPARISON, COMPARISON_FOLDER = "comparison.html", "comparison"
# Who speaks in the messages of a comparison.
COMPARE = "ppcls-lt compare"
