"""Names in the host's factories, counts on the way, and what stays untouched."""

import copy

import pytest

import ppcls_lt
from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import KINDS, register, registered
from ppcls_lt.engine import trainer

from . import engines


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.mark.usefixtures("ppcls")
class TestNames:
    def test_every_component_is_found_by_the_host(self):
        for kind in set(KINDS) - {"callback"}:
            for name, component in registered(kind).items():
                assert host.names(kind)[name] is component

    def test_registering_again_changes_nothing(self):
        engine = host.module("engine.engine").Engine
        before = engine.__init__
        ppcls_lt.register()
        assert engine.__init__ is before

    def test_a_name_of_the_hosts_is_never_replaced_silently(self, monkeypatch):
        monkeypatch.setitem(host.names("loss"), "CELoss", host.names("loss")["CELoss"])
        stranger = type("CELoss", (), {})
        with pytest.raises(ConfigError, match="already has 'CELoss'.*replace"):
            host.publish("loss", {"CELoss": stranger})
        host.publish("loss", {"CELoss": stranger}, replace=["CELoss"])
        assert host.names("loss")["CELoss"] is stranger

    def test_a_second_registration_raises(self):
        with pytest.raises(ValueError, match="registered already"):
            register("loss")(type("LDAMLoss", (), {}))


class TestCounts:
    @pytest.mark.parametrize("mode", ["train", "eval"])
    def test_auto_is_the_training_list_in_every_component(self, mode, data, tmp_path):
        settings = engines.digits_config(data, tmp_path, losses=[engines.listed("LDAMLoss")], eval_during_train=True)
        settings["Loss"]["Eval"] = [engines.listed("LDAMLoss")]
        settings["Global"]["untrained"] = True
        engine = engines.build_engine(settings, mode)
        expected = [90, 66, 49, 36, 27, 19, 14, 10, 8, 6]
        built = [engine.eval_loss_func.loss_func[0], engine.eval_metric_func.metric_func_list[1]]
        if mode == "train":
            built.append(engine.train_loss_func.loss_func[0])
        for component in built:
            assert component.counts.tolist() == expected

    def test_a_list_and_a_path_say_the_same(self, data, tmp_path):
        for given in ([90, 66, 49, 36, 27, 19, 14, 10, 8, 6], str(data / "train.txt")):
            settings = engines.digits_config(
                data, tmp_path, losses=[engines.listed("CostSensitiveCE", num_class_list=given)]
            )
            loss = engines.build_engine(settings).train_loss_func.loss_func[0]
            assert loss.counts.tolist() == [90, 66, 49, 36, 27, 19, 14, 10, 8, 6]

    def test_a_path_is_read_with_the_data_sets_delimiter(self, data, tmp_path):
        listing = tmp_path / "tabs.txt"
        listing.write_text((data / "train.txt").read_text().replace(" ", "\t"))
        losses = [engines.listed("CostSensitiveCE", num_class_list=str(listing))]
        settings = engines.digits_config(data, tmp_path, losses=losses)
        settings["DataLoader"]["Train"]["dataset"].update(cls_label_path=str(listing), delimiter="\t")
        loss = engines.build_engine(settings).train_loss_func.loss_func[0]
        assert loss.counts.sum() == 325

    @pytest.mark.parametrize("mode", ["infer", "export"])
    def test_infer_and_export_need_no_training_data(self, mode, data, tmp_path):
        settings = engines.digits_config(data, tmp_path, losses=[engines.listed("LDAMLoss")])
        settings["DataLoader"]["Train"]["dataset"]["cls_label_path"] = "nowhere.txt"
        settings["Infer"]["infer_imgs"] = str(data / "test" / "0")
        settings["Global"]["untrained"] = True
        assert engines.build_engine(settings, mode).model is not None

    def test_the_configuration_is_left_as_it_was(self, data, tmp_path):
        settings = engines.digits_config(data, tmp_path, losses=[engines.listed("LDAMLoss")])
        arch, loss = copy.deepcopy(dict(settings["Arch"])), copy.deepcopy(settings["Loss"]["Train"])
        engines.build_engine(settings)
        assert dict(settings["Arch"]) == arch
        assert settings["Loss"]["Train"] == loss


class TestConnection:
    @pytest.mark.slow
    def test_weights_that_the_architecture_loads_are_kept(self, data, tmp_path):
        arch = {"name": "MobileNetV3_small_x0_35", "class_num": 10}
        losses = [engines.listed("LDAMLoss")]
        settings = engines.digits_config(data, tmp_path, losses=losses, arch=dict(arch), size=32, epochs=1)
        trained = engines.build_engine(settings)
        trained.train()
        weights = engines.saved(tmp_path)
        settings = engines.digits_config(
            data, tmp_path, losses=losses, arch={**arch, "pretrained": str(weights)}, size=32
        )
        again = engines.build_engine(settings, "eval")
        assert (again.model.fc.weight == trained.model.fc.weight).all()

    def test_ldam_does_not_scale_again_behind_the_normalized_classifier(self, data, tmp_path):
        settings = engines.digits_config(data, tmp_path, losses=[engines.listed("LDAMLoss", s=20.0)])
        engine = engines.build_engine(settings)
        import paddle

        with paddle.no_grad():
            logits = engine.model(next(iter(engine.train_dataloader))[0])
        assert 1.0 < float(logits.abs().max()) <= 20.0 * (1 + 1e-6)

    def test_the_evaluation_loss_is_in_evaluation_mode(self, data, tmp_path):
        settings = engines.digits_config(data, tmp_path, losses=[engines.listed("IBLoss")], eval_during_train=True)
        settings["Loss"]["Eval"] = [engines.listed("IBLoss")]
        engine = engines.build_engine(settings)
        assert engine.train_loss_func.loss_func[0].training
        assert not engine.eval_loss_func.loss_func[0].training

    def test_features_of_the_hook_win_over_those_of_the_dict(self, data, tmp_path):
        import paddle

        settings = engines.digits_config(data, tmp_path, losses=[engines.listed("IBLoss")])
        engine = engines.build_engine(settings)
        images, labels = next(iter(engine.train_dataloader))[:2]
        logits = engine.model(images)
        loss = engine.train_loss_func.loss_func[0]
        ours = loss({"logits": logits, "features": paddle.full([len(labels), 64], 1e6)}, labels)["IBLoss"]
        engine.model(images)
        plain = loss(logits, labels)["IBLoss"]
        assert float(ours) == pytest.approx(float(plain), rel=1e-3)

    @pytest.mark.slow
    def test_rec_models_take_the_normalized_classifier(self, data, tmp_path):
        settings = engines.digits_config(
            data,
            tmp_path,
            losses=[engines.listed("LDAMLoss")],
            arch={
                "name": "RecModel",
                "is_rec": True,
                "Backbone": {"name": "MobileNetV3_small_x0_35", "class_num": 64},
                "Head": {"name": "FC", "embedding_size": 64, "class_num": 10},
            },
            size=32,
            epochs=1,
        )
        engine = engines.build_engine(settings)
        assert type(engine.model.head.fc).__name__ == "NormalizedLinear"
        engine.train()
        assert list(tmp_path.rglob("latest.pdparams"))


def test_run_engine_returns_a_view_of_the_engine(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "digits").symlink_to(data)
    path = engines.ROOT / "configs" / "digits" / "focal.yaml"
    engine = trainer.run_engine("train", path, ["Global.epochs=1", f"Global.output_dir={tmp_path / 'out'}"])
    assert engine.config["Global"]["epochs"] == 1
