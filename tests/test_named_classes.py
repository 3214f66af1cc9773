"""What a configuration calls its classes; every stock configuration names the file of ImageNet."""

import logging

from ppcls_lt.configuration import named_classes
from ppcls_lt.data import class_names


def configuration(path, number):
    return {"Arch": {"class_num": number}, "Infer": {"PostProcess": {"name": "Topk", "class_id_map_file": str(path)}}}


def test_a_file_of_other_data_names_nothing(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("ppcls.lt"), "propagate", True)
    path = tmp_path / "imagenet1k_label_list.txt"
    path.write_text("".join(f"{label} animal {label}\n" for label in range(1000)))
    assert named_classes.of(configuration(path, 1000))[7] == "animal 7"
    for _ in range(2):
        assert named_classes.of(configuration(path, 10)) is None
        assert named_classes.called(configuration(path, 10))(7) == "7"
    (told,) = caplog.messages
    assert "has the class 999, and Arch.class_num is 10" in told and str(path) in told
    path.write_text("0 cat\n1 dog\n")
    assert named_classes.of(configuration(path, 10)) == {0: "cat", 1: "dog"}  # some may have none


def test_a_name_that_is_another_class_number_is_told_apart():
    called = class_names.called({0: "1", 2: "3", 3: "dog"})
    assert [called(label) for label in range(4)] == ["0 1", "1", "3", "dog"]
    for names in (["10", "20", "30"], [str(number) for number in range(1, 11)], ["2023", "2024"]):
        called = class_names.called(dict(enumerate(names)))
        assert [called(label) for label in range(len(names))] == names
