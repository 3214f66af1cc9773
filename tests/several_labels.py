"""The digits with several labels each, and a configuration of a training on them."""

from . import engines

LISTED = {
    "DistributionBalancedLoss": {"weight": 1.0, "num_class_list": "auto", "num_images": "auto"},
    "ClassBalancedMultiLabelLoss": {"weight": 1.0, "num_class_list": "auto", "form": "focal"},
}


def write_rows(folder):
    """Write, beside the lists of the digits, rows with two more labels: whether it is even, whether above 6."""
    for part in ("train", "val"):
        lines = [line.split() for line in (folder / f"{part}.txt").read_text().splitlines()]
        rows = []
        for image, digit in lines:
            row = [int(c == int(digit)) for c in range(10)]
            row[0], row[9] = int(int(digit) % 2 == 0), int(int(digit) > 6)
            rows.append(f"{image}\t{','.join(map(str, row))}")
        (folder / f"{part}_rows.txt").write_text("\n".join(rows) + "\n")


def settings(data, output, loss, **options):
    """A configuration of one epoch with one loss, an entry of ``Loss.Train``."""
    config = engines.digits_config(data, output, losses=[loss], batch_size=20, epochs=1, use_multilabel=True, **options)
    for part, listing in (("Train", "train_rows.txt"), ("Eval", "val_rows.txt")):
        dataset = config["DataLoader"][part]["dataset"]
        # PaddleClas 2.4.2 reads a row only with `label_ratio`.
        dataset.update(name="MultiLabelDataset", cls_label_path=str(data / listing), label_ratio=True)
    # PaddleClas's MultiLabelLoss of 2.4.2 fails with such labels on Paddle 3.
    config["Loss"]["Eval"] = [{"ClassBalancedMultiLabelLoss": {"weight": 1.0, "num_class_list": "auto", "beta": 0.0}}]
    config["Metric"] = {"Eval": [{"ManyMediumFewMAP": {"num_class_list": "auto", "thresholds": [30, 10]}}]}
    return config
