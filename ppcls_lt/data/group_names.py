"""How classes are grouped unless a user says otherwise; loads nothing."""

GROUPS = ("many", "medium", "few")
# Many have more than the first, few have less than the second: those of ImageNet-LT (Liu et al., CVPR 2019).
THRESHOLDS = (100, 20)
# Instead of two thresholds: a third of the classes each.
TERTILES = "tertiles"
