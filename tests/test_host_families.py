"""What families of PaddleClas's configurations ask of this package: distillation, retrieval, data sets of their own."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.findings import raise_all
from ppcls_lt.configuration import label_kinds, starting, validation, values
from ppcls_lt.configuration.reading import class_number
from ppcls_lt.data import label_rows
from ppcls_lt.engine import announcements, preview, starting_check, trainer, trial
from ppcls_lt.operators import CMOOperator

from . import engines


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def distilled(teacher=10, student=10, **arch):
    models = [
        {"Teacher": {"name": "ResNet18", "class_num": teacher, "pretrained": False}},
        {"Student": {"name": "RecModel", "Head": {"name": "FC", "class_num": student}, "pretrained": False}},
    ]
    return {"name": "DistillationModel", "models": models, **arch}


class TestClasses:
    def test_the_number_of_a_distillation_is_that_of_its_models(self):
        assert class_number({"Arch": distilled()}) == 10
        assert class_number({"Arch": distilled(student=None), "Global": {"class_num": 7}}) is None
        assert class_number({"Arch": {"Head": {"class_num": 4}, "class_num": 3}}) == 4

    @pytest.mark.parametrize("teacher, said", [(1000, "1000"), (None, "none, which is 1000,")])
    def test_another_one_beside_the_models_is_told_with_what_sets_theirs(self, teacher, said):
        values.check_classes({"Arch": distilled(class_num=10)})
        with pytest.raises(ConfigError) as raised:
            values.check_classes({"Arch": distilled(teacher, 5, class_num=5)})
        text = str(raised.value)
        assert f"got 5, and {said} in Arch.models.0.Teacher" in text
        assert "-o Arch.models.0.Teacher.class_num=5 -o Arch.models.1.Student.class_num=5" in text


@pytest.mark.parametrize("recipe, said", [("crt", "ce brings"), ("mixup", "mixup brings"), ("ema", None)])
def test_a_recipe_leaves_the_losses_of_a_distillation(recipe, said):
    config = {"Global": {"recipe": recipe}, "Arch": distilled(), "DataLoader": {}}
    if said is None:
        label_kinds._check_models(config)
        return
    with pytest.raises(ConfigError, match=f"`recipe` must be one that leaves the losses .* of which {said}"):
        label_kinds._check_models(config)


class TestLists:
    """`ppcls-lt lists --base`."""

    lists = {"train": "train.txt", "val": "val.txt"}

    def base(self, arch, **section):
        part = {"dataset": {"name": "ImageNetDataset", "transform_ops": []}}
        return {"Global": section, "Arch": arch, "DataLoader": {"Train": part, "Eval": copy.deepcopy(part)}}

    def made(self, base):
        found = starting.Data("data", self.lists, "label.txt", "\t", 4, 40, "a.png")
        return starting.of_base(base, found, device="cpu", output="out")

    def test_the_number_of_classes_goes_where_it_is_read(self):
        arch = self.made(self.base(distilled(1000, 1000, class_num=1000)))["Arch"]
        assert arch["models"][0]["Teacher"]["class_num"] == 4 and "class_num" not in arch
        assert arch["models"][1]["Student"]["Head"]["class_num"] == 4
        head = self.made(self.base({"name": "RecModel", "Head": {"name": "FC", "class_num": 50030}}))["Arch"]
        assert head == {"name": "RecModel", "Head": {"name": "FC", "class_num": 4}}
        assert self.made(self.base({"name": "ResNet18"}))["Arch"]["class_num"] == 4

    def test_a_base_of_other_data_is_refused(self):
        with pytest.raises(ConfigError, match="`--base` must be a configuration of images with one label each"):
            self.made(self.base({"name": "ResNet18"}, use_multilabel=True))
        base = self.base({"name": "ResNet18"})
        base["DataLoader"]["Train"]["dataset"]["name"] = "MultiLabelDataset"
        with pytest.raises(
            ConfigError, match="data sets are ImageNetDataset.* got MultiLabelDataset in DataLoader.Train"
        ):
            self.made(base)

    def test_what_is_tried_stays_as_it_is(self):
        """What is made of parts takes their names out of the maps that it is given."""
        trainer.register()
        arch = distilled()
        arch["models"][1] = {"Student": {"name": "ResNet18", "class_num": 10, "pretrained": True}}
        before = copy.deepcopy(arch)
        starting_check._check_arch(arch, 32)
        assert arch == before


def test_rows_with_another_number_are_told_with_their_image():
    rows = [[0, 1], [1, 0], [1, -1]]
    label_rows.check_listed("DistributionBalancedLoss", rows[:2], None)
    with pytest.raises(ConfigError, match="`label` must be 1 for each label .* got -1 for label 1 of c.jpg; leave out"):
        label_rows.check_listed("DistributionBalancedLoss", rows, ["a.jpg", "b.jpg", "c.jpg"])


class TestRetrieval:
    def config(self, data):
        config = engines.packaged("ce", data, "out")
        config["Global"].update(eval_mode="retrieval", untrained=True)
        part = config["DataLoader"].pop("Eval")
        config["DataLoader"]["Eval"] = {"Query": part, "Gallery": copy.deepcopy(part)}
        config["Metric"] = {"Eval": [{"Recallk": {"topk": [1]}}]}
        return config

    def test_check_looks_at_the_lists_of_query_and_gallery(self, data, tmp_path):
        config = self.config(data)
        seen = preview.look(config, "eval")
        assert not [finding for finding in seen["findings"] if "Gallery" in finding["path"]]
        path = tmp_path / "gallery.txt"
        path.write_text("gone.png 0\n")
        config["DataLoader"]["Eval"]["Gallery"]["dataset"]["cls_label_path"] = str(path)
        found = list(preview._images(config, "eval", []))
        assert any("DataLoader.Eval.Gallery.dataset" in each.text and "gone.png" in each.text for each in found)

    def test_without_metrics_the_log_says_what_chooses(self):
        engine = SimpleNamespace(config={"Global": {}, "Metric": {}})
        assert "what the evaluation returns, since there is no Metric.Eval" in announcements._best_model(engine)


class TestFolders:
    """Data sets that take `cls_label_path` for a folder below `image_root`."""

    def config(self, root, name="Market1501", folder="bounding_box_train"):
        dataset = {"name": name, "image_root": str(root), "cls_label_path": folder}
        return {"Global": {}, "Arch": {}, "DataLoader": {"Train": {"dataset": dataset}}}

    def findings(self, config):
        return [*validation._lists_end("DataLoader", config["DataLoader"]), *validation._label_list(config, "Train")]

    def test_it_is_sought_there(self, tmp_path, monkeypatch):
        (tmp_path / "bounding_box_train").mkdir()
        assert self.findings(self.config(tmp_path)) == []
        monkeypatch.chdir(tmp_path)  # where such a folder lies too
        assert self.findings(self.config(tmp_path)) == []
        with pytest.raises(ConfigError, match="`cls_label_path` must be an existing path"):
            raise_all(self.findings(self.config(tmp_path, folder="other")))
        with pytest.raises(ConfigError, match="must be a regular file"):
            raise_all(self.findings(self.config(tmp_path, name="ImageNetDataset")))


class Opens:
    """A data set that opens its images itself, as CompCars does."""

    def __init__(self, folder, operators):
        self.images, self._transform_ops = [], operators
        for number in range(5):
            path = folder / f"{number}.png"
            Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(path)
            self.images.append(str(path))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = np.asarray(Image.open(self.images[index]))
        for operator in self._transform_ops:
            image = operator(image)
        return image.transpose(2, 0, 1), index

    __getitem__._watched = True  # as the host's data sets are


@pytest.mark.parametrize("size, fails", [(4, False), ("wide", True)])
def test_operators_behind_a_data_set_that_opens_its_images_are_tried_as_it_uses_them(size, fails, tmp_path):
    def resize(image):
        return image[:size, :size]

    loader = SimpleNamespace(dataset=Opens(tmp_path, [resize]), batch_sampler=SimpleNamespace(batch_size=2))
    settings = {"dataset": {"transform_ops": [{"ResizeImage": {"size": size}}]}}
    if fails:
        with pytest.raises(ConfigError, match=r"`transform_ops\[0\]` must be such that"):
            trial.first_batch(loader, settings, "DataLoader.Train")
    else:
        assert trial.first_batch(loader, settings, "DataLoader.Train").tolist() == [0, 1, 2, 3]


def test_cmo_reads_images_of_one_size():
    kind = type("MultiScaleDataset", (), {})
    with pytest.raises(
        ConfigError, match="CMOOperator: `DataLoader.Train.dataset.name` must be one that shows an image"
    ):
        CMOOperator(2).join_data(kind(), np.array([0, 1]), np.array([1, 1]), 10)


@pytest.mark.slow
def test_a_second_stage_that_asks_for_a_classifier_that_is_not_there_trains_nothing(data, tmp_path):
    trainer.register()
    assert "SqueezeNet1_1" in host.names("arch")
    config = engines.packaged("ce", data, tmp_path / "out", epochs=2)
    config["Global"]["recipe"] = "crt"
    config["Arch"] = {"name": "SqueezeNet1_1", "class_num": 10}
    for part in ("Train", "Eval"):
        for entry in config["DataLoader"][part]["dataset"]["transform_ops"]:
            if "ResizeImage" in entry:
                entry["ResizeImage"]["size"] = 32
    said = "SqueezeNet1_1 has no Linear layer with 10 outputs.*; .*, of a later stage, asks for it"
    with pytest.raises(ConfigError, match=said):
        engines.build_engine(config)
