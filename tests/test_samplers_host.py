"""The batch sampler in PaddleClas: its loader and its data sets."""

import inspect

import numpy as np
import paddle
import pytest
from scipy import stats

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import registered
from ppcls_lt.samplers.weight_balanced import WeightBalancedSampler

from . import engines
from .test_samplers import images, mixed


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("digits"))


class TestWithPaddleClas:
    def loader(self, ppcls, digits, workers=0, dataset=None, **sampler):
        config = engines.digits_config(digits, "unused", losses=[])["DataLoader"]
        config["Train"]["dataset"].update(dataset or {})
        config["Train"]["sampler"] = type(config)({"name": "WeightBalancedSampler", "batch_size": 64, **sampler})
        config["Train"]["loader"]["num_workers"] = workers
        return ppcls.module("data").build_dataloader(config, "Train", paddle.CPUPlace(), False)

    def test_names(self, ppcls):
        for name in ("WeightBalancedSampler", "ImbalancedDatasetSampler"):
            assert registered("sampler")[name] is WeightBalancedSampler is ppcls.names("sampler")[name]

    def test_nothing_is_injected(self):
        # A newer PaddleClas adds `total_epochs` where it is one of these.
        assert inspect.getfullargspec(WeightBalancedSampler.__init__).args == ["self", "dataset"]

    @pytest.mark.parametrize("workers", [0, 2])
    def test_feeds_its_loader(self, ppcls, digits, workers):
        loader = self.loader(ppcls, digits, workers, mode="class_balanced", drop_last=False, shuffle=True, seed=1)
        expected = WeightBalancedSampler(loader.dataset, batch_size=64, mode="class_balanced", seed=1)
        assert len(loader) == len(expected) > 1
        for epoch in range(2):
            loader.batch_sampler.set_epoch(epoch)
            expected.set_epoch(epoch)
            drawn = list(expected)
            seen = list(loader)
            assert len(seen) == len(drawn)
            for (image, label), batch in zip(seen, drawn):
                assert label.flatten().tolist() == [loader.dataset.labels[i] for i in batch]
                assert np.allclose(image.numpy(), np.stack([loader.dataset[i][0] for i in batch]))

    def test_gives_sizes_to_a_multi_scale_data_set(self, ppcls, digits):
        dataset = {"name": "MultiScaleDataset"}
        loader = self.loader(ppcls, digits, dataset=dataset, scales=[8, [16, 24]], num_samples=10 * 64, seed=0)
        plain = self.loader(ppcls, digits, num_samples=10 * 64, seed=0)
        drawn = list(plain.batch_sampler)
        shapes = []
        for (image, label), batch in zip(loader, drawn):
            assert label.flatten().tolist() == [loader.dataset.labels[i] for i in batch]
            shapes.append(tuple(image.shape[2:]))
        assert len(shapes) == 10 and set(shapes) == {(8, 8), (24, 16)}  # height, width
        with pytest.raises(
            ConfigError, match="`scales` must be a list of image sizes in pixels, for MultiScaleDataset"
        ):
            self.loader(ppcls, digits, dataset=dataset)
        with pytest.raises(ConfigError, match=r"`scales\[0\]` must be an integer >= 1"):
            self.loader(ppcls, digits, dataset=dataset, scales=[[8, 0]])

    @pytest.mark.parametrize(
        "name, line",
        [
            ("ImageNetDataset", "{image} {label}"),
            ("VeriWild", "{image} {label} 3"),
            ("ICartoonDataset", "{image}\t{label}"),
            ("LogoDataset", "id\t{label_from_one}\tx\t{image}"),
        ],
    )
    def test_counts_what_the_data_set_holds(self, ppcls, digits, tmp_path, name, line):
        labels = mixed([9, 0, 5, 2])
        image = (digits / "train.txt").read_text().split()[0]
        path = tmp_path / "list.txt"
        path.write_text("".join(line.format(image=image, label=c, label_from_one=c + 1) + "\n" for c in labels))
        dataset = ppcls.names("dataset")[name](str(digits), str(path))
        sampler = WeightBalancedSampler(dataset, batch_size=4, mode="class_balanced", num_samples=3 * 10**4)
        by_class = np.bincount(np.array(labels)[images(sampler)])
        assert by_class[1] == 0
        assert stats.chisquare(by_class[[0, 2, 3]]).pvalue > 1e-3

    def test_rejects_several_labels_an_image(self, ppcls, digits, tmp_path):
        image = (digits / "train.txt").read_text().split()[0]
        path = tmp_path / "list.txt"
        path.write_text(f"{image}\t0,1,1\n")
        dataset = ppcls.names("dataset")["MultiLabelDataset"](str(digits), str(path))
        with pytest.raises(ConfigError, match="got MultiLabelDataset with .*1.* .entry 0."):
            WeightBalancedSampler(dataset, batch_size=4)

    def test_rejects_mixed_data_sets(self, ppcls, digits):
        part = {"name": "ImageNetDataset", "image_root": str(digits), "cls_label_path": str(digits / "train.txt")}
        dataset = ppcls.names("dataset")["MixDataset"]([part])
        with pytest.raises(ConfigError, match="got MixDataset, which has no `labels`"):
            WeightBalancedSampler(dataset, batch_size=4)
