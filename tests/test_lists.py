"""`ppcls-lt lists` and `folders` as a user runs them: what people have becomes lists, names and a training."""

import functools
import inspect
import json
import os
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from ppcls_lt.archs.cifar_resnet import CIFARResNet8
from ppcls_lt.commands.main import main
from ppcls_lt.data.grouped_split import grouped_split
from ppcls_lt.data.sources import arranging, reading
from ppcls_lt.data.splits import stratified_split
from ppcls_lt.runs import files as run_files

from . import commands, stock
from .commands import fails

NAMES = ("dog", "red panda", "猫 咪")  # in the order of their characters
SIZES = (20, 12, 40)
# No architecture of PaddleClas is built where the lists alone are tried.
SMALL = ("--arch", "CIFARResNet8", "--image-size", 16, "--epochs", 1)


@pytest.fixture
def run(tmp_path):
    """``commands.run`` in this test's folder."""
    return functools.partial(commands.run, tmp_path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """This test's folder, in which it is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capfd, arguments, *parts):
    """The command, in this process, ends with status 2 before Paddle is needed, and one line that holds ``parts``."""
    capfd.readouterr()
    assert main(["lists", *map(str, arguments)]) == 2
    output, errors = capfd.readouterr()
    assert output == "" and errors.startswith("ppcls-lt: error: ") and errors.count("\n") == 1
    for part in parts:
        assert part in errors


def write_image(path, label=0, number=0):
    digits = load_digits_once()
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = digits.images[np.flatnonzero(digits.target == label)[number]]
    Image.fromarray((chosen * 15).astype(np.uint8)).resize((16, 16)).convert("RGB").save(path)


@functools.cache
def load_digits_once():
    return load_digits()


def write_folders(root, sizes=SIZES):
    """Class folders with Chinese characters and spaces, two images of a patient each; return the folder."""
    for label, (name, images) in enumerate(zip(NAMES, sizes)):
        for number in range(images):
            write_image(root / name / f"患者{number // 2} {number}.jpg", label, number)
    return root


def read(path, delimiter):
    """``[(image, label)]`` of a list."""
    rows = [line.split(delimiter) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [(image, int(label)) for image, label in rows]


def parts(folder, delimiter=" "):
    """Part -> ``[(image, label)]``."""
    found = {part: Path(folder) / f"{part}.txt" for part in ("train", "val", "test")}
    return {part: read(path, delimiter) for part, path in found.items() if path.is_file()}


def made(source, test=0.2, allow_missing=False, anew=False, **reading_options):
    """What the command makes of a source before it writes: names, part -> ``[(image, label)]``, what it tells."""
    owner = "ppcls-lt lists"
    found = reading.read(source, owner, **reading_options)[2]
    fractions = {"val": 0.1, "test": test}
    arranged = arranging.arrange(found, fractions, owner, allow_missing=allow_missing, anew=anew)
    rows = list(zip(arranged.images, arranged.labels.tolist()))
    part_of = arranged.parts.tolist()
    found = {part: [row for row, own in zip(rows, part_of) if own == part] for part in dict.fromkeys(part_of)}
    return arranged.names, found, "\n".join(arranged.told)


def names(folder):
    return Path(folder, "label.txt").read_text(encoding="utf-8").splitlines()


def counts(rows):
    return np.bincount([label for _, label in rows]).tolist()


@pytest.mark.slow
class TestFromFolderToReport:
    @pytest.fixture(scope="class")
    @classmethod
    def done(cls, tmp_path_factory):
        """The whole way, once, as the page has it; name -> finished process, and the folder."""
        folder = tmp_path_factory.mktemp("whole")
        write_folders(folder / "我的 图片")
        # Pictures of four pixels, of which PaddleClas's random crop takes none more often than not.
        for path in sorted((folder / "我的 图片").glob("猫 咪/*.jpg"))[:8]:
            Image.open(path).resize((2, 2)).save(path)
        run = functools.partial(commands.run, folder)
        flags = ("--out", "清单 1", *SMALL, "--group-pattern", r"患者\d+")
        (folder / "清单 1").mkdir()
        (folder / "清单 1" / "val.txt").write_text("of another time")
        done = {"lists": run("lists", "我的 图片", *flags, "--force")}
        assert done["lists"].returncode == 0, done["lists"].errors
        done["check"] = run("check", "-c", "清单 1/train.yaml")
        done["train"] = run("train", "-c", "清单 1/train.yaml")
        done["report"] = run("report", "清单 1/output")
        done["infer"] = run("infer", "--run", "清单 1/output")
        return folder, done

    def test_every_step_ends_well(self, done):
        for name, process in done[1].items():
            assert process.returncode == 0, (name, process.errors)
        assert "nothing is wrong" in done[1]["check"].output

    def test_lists_have_every_class_and_every_image_once(self, done):
        found = parts(done[0] / "清单 1", "\t")
        assert names(done[0] / "清单 1") == [f"{label} {name}" for label, name in enumerate(NAMES)]
        assert counts(found["test"]) == [4, 2, 8]
        assert counts(found["val"]) == [2, 2, 4]
        together = [row for rows in found.values() for row in rows]
        assert len(together) == len(set(together)) == sum(SIZES)
        assert all((done[0] / "我的 图片" / image).is_file() for image, _ in together)

    def test_patients_are_not_divided(self, done):
        patients = [
            {image.split("/")[1].split()[0] for image, _ in rows} for rows in parts(done[0] / "清单 1", "\t").values()
        ]
        assert not patients[0] & patients[1] and not patients[0] & patients[2] and not patients[1] & patients[2]

    def test_the_classes_have_their_names(self, done):
        folder, processes = done
        info = run_files.read_info(next(folder.glob("清单 1/output/**/run_info.json")))
        assert info["class_names"] == {str(label): name for label, name in enumerate(NAMES)}
        page = (folder / "清单 1/output/report.html").read_text(encoding="utf-8")
        assert all(name in page for name in NAMES)
        assert "'label_names': ['" in processes["infer"].output

    def test_no_table_has_a_number_where_there_is_a_name(self, done):
        folder, processes = done
        assert "from 8 (class red panda) to 28 (class 猫 咪)" in processes["train"].output + processes["train"].errors
        assert "from 8 (class red panda) to 28 (class 猫 咪)" in processes["check"].output
        heads = (folder / "清单 1/output/report/confusion.csv").read_text(encoding="utf-8").splitlines()[0]
        assert heads == "class,dog,red panda,猫 咪"
        counted = commands.run(folder, "counts", "清单 1/train.txt", "--delimiter", "\\t")
        assert "largest class: 猫 咪 (28 images)\nsmallest class: red panda (8 images)\n" in counted.output
        assert "\nred panda       8  few" in counted.output
        named = {"label.txt": "0 a\n1 b\n2 a\n", "train.txt": "1.jpg 0\n2.jpg 0\n3.jpg 2\n4.jpg 2\n"}
        for name, content in named.items():
            (folder / name).write_text(content)
        split = commands.run(folder, "split", "train.txt", "--val-fraction", 0.5, "--train-out", "a", "--val-out", "b")
        assert "without images: class b\n" in split.output
        assert "largest class: 0 a and 1 more" in commands.run(folder, "counts", "train.txt").output

    def test_the_list_that_judges_is_said_to_be_held_out(self, done):
        config = yaml.safe_load((done[0] / "清单 1" / "train.yaml").read_text(encoding="utf-8"))
        judged = config["DataLoader"]["Eval"]["dataset"]["cls_label_path"]
        assert config["Global"]["eval_is_validation"] == judged == "清单 1/val.txt"

    def test_the_commands_that_are_printed_are_those(self, done):
        printed = done[1]["lists"].output
        assert "train:  ppcls-lt train -c '清单 1/train.yaml'\n" in printed
        listed = "'清单 1/train.txt' --val-list '清单 1/val.txt' --test-list '清单 1/test.txt'"
        assert f"audit:  ppcls-lt audit {listed} --image-root '我的 图片' --delimiter '\\t'\n" in printed
        assert "'DataLoader.Eval.dataset.cls_label_path=清单 1/test.txt'" in printed
        assert "猫 咪         28      4      8\n" in printed

    def test_and_back_to_folders(self, done, tmp_path):
        out = tmp_path / "back"
        listing = done[0] / "清单 1" / "test.txt"
        back = commands.run(
            done[0], "folders", listing, "--image-root", "我的 图片", "--out", out, "--delimiter", "\\t"
        )
        assert (back.returncode, back.errors) == (0, "")
        links = sorted(path for path in out.rglob("*") if path.is_symlink())
        assert [path.relative_to(out).as_posix() for path in links] == sorted(image for image, _ in read(listing, "\t"))
        assert all(path.resolve() == (done[0] / "我的 图片" / path.relative_to(out)).resolve() for path in links)
        again = commands.run(
            done[0], "folders", listing, "--image-root", "我的 图片", "--out", out, "--delimiter", "\\t"
        )
        fails(again, "`--out` must be a new folder")


def test_folders_link_an_image_of_two_labels_in_both(tmp_path):
    (tmp_path / "list.txt").write_text("a.jpg 0\na.jpg 1\nb.jpg 0\nc.jpg 1\na.jpg 0\n")
    for name in "abc":
        write_image(tmp_path / "images" / f"{name}.jpg")
    done = commands.run(tmp_path, "folders", "list.txt", "--image-root", "images", "--out", "sorted")
    assert (done.returncode, done.output) == (0, "sorted: 4 links in 2 folders\n")
    links = sorted(path for path in (tmp_path / "sorted").rglob("*.jpg"))
    assert [str(path.relative_to(tmp_path / "sorted")) for path in links] == [
        "0/a.jpg",
        "0/b.jpg",
        "1/a.jpg",
        "1/c.jpg",
    ]
    assert all(path.resolve().name == path.name for path in links)


@pytest.mark.parametrize(
    "content, said",
    [
        ("image,label\n" + "x.jpg,0\n" * 9 + '"12 inch.jpg,0\n' + "y.jpg,1\n" * 20000, "that nothing closes?"),
        ('image,label\n0.jpg,0\n"1.jpg,0\n2.jpg,1\n3.jpg,1\n', "that nothing closes?"),
        ("image,label,note\n0.jpg,0,one\u2028line\n1.jpg,1,\x85\n2.jpg,0,\n3.jpg,1,\n", None),
    ],
)
def test_csv_files_with_odd_characters(content, said, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        write_image(tmp_path / f"{number}.jpg")
    (tmp_path / "odd.csv").write_text(content, encoding="utf-8")
    if said is not None:
        refused(capfd, ("odd.csv",), "`odd.csv` must be a CSV file", said)
    else:
        assert sum(map(len, made("odd.csv", test=0)[1].values())) == 4


class TestOtherLayouts:
    def test_paddlex_with_backslashes_keeps_lists_and_labels(self, tmp_path):
        for label in (0, 1):
            for number in range(4):
                write_image(tmp_path / "data" / "images" / f"{label}{number}.jpg", label, number)
        data = tmp_path / "data"
        (data / "train.txt").write_bytes(
            b"".join(b"images\\%d%d.jpg;%d\r\n" % (c, n, c) for c in (0, 1) for n in (0, 1))
        )
        (data / "val.txt").write_bytes(b"".join(b"images\\%d2.jpg;%d\r\n" % (c, c) for c in (0, 1)))
        (data / "test_list.txt").write_bytes(b"".join(b"images\\%d3.jpg;%d\r\n" % (c, c) for c in (0, 1)))
        (data / "label.txt").write_bytes("0 zebra\n1 熊猫\n".encode("gb18030"))
        called, found, told = made(data)
        assert "label.txt: read as GBK" in told
        assert called == ["zebra", "熊猫"]
        assert found["val"] == [("images/02.jpg", 0), ("images/12.jpg", 1)]
        assert found["test"] == [("images/03.jpg", 0), ("images/13.jpg", 1)]
        assert len(found["train"]) == 4

    def test_a_csv_file_with_groups_and_names_of_classes(self, tmp_path, capfd):
        rows = ["file,breed,animal"]
        for number in range(24):
            write_image(tmp_path / "pictures" / f"{number}.png")
            rows.append(f'{number}.png,"{("collie", "cat, tabby")[number % 2]}",{number // 4}')
        (tmp_path / "pets.csv").write_text("\n".join(rows))
        columns = {"label": "breed", "group": "animal"}
        called, found, told = made(tmp_path / "pets.csv", image_root=tmp_path / "pictures", columns=columns)
        assert "columns: image 'file', label 'breed', group 'animal'" in told
        assert called == ["cat, tabby", "collie"]
        animals = [{int(Path(image).stem) // 4 for image, _ in rows} for rows in found.values()]
        assert sum(map(len, animals)) == len(set.union(*animals)) == 6
        refused(capfd, (tmp_path / "pets.csv",), "`--label-column` must be given", "file, breed, animal")
        refused(capfd, (tmp_path / "pets.csv", "--label-column", "bred"), "did you mean 'breed'?")
        (tmp_path / "pets.csv").write_text("\n".join([*rows[:5], "24.png,,4", "25.png, ,4"]))
        flags = ("--label-column", "breed", "--image-root", tmp_path / "pictures")
        refused(capfd, (tmp_path / "pets.csv", *flags), "got none in 2 of 6, the first of them ['24.png', '', '4']")

    def test_folders_of_parts_and_a_drawn_validation_list(self, tmp_path):
        for part, images in (("train", 10), ("test", 3)):
            for label, name in enumerate(("a", "b")):
                for number in range(images):
                    write_image(tmp_path / "data" / part / name / f"{number}.jpg", label, number)
        (tmp_path / "data" / "readme.md").write_text("about")
        (tmp_path / "data" / "train" / "a" / "link.png").symlink_to("nowhere.png")
        os.mkfifo(tmp_path / "data" / "test" / "b" / "pipe.jpg")
        _, found, told = made(tmp_path / "data")
        assert "left out, no images by their endings: 1 .md" in told
        assert "left out, no files though named like images (links that lead nowhere, pipes): 2" in told
        assert "val: none in the source, 2 images drawn from its training" in told
        assert {part: counts(rows) for part, rows in found.items()} == {"train": [9, 9], "val": [1, 1], "test": [3, 3]}
        assert all(image.startswith("test/") for image, _ in found["test"])

    def test_easydl_json_beside_the_images(self, tmp_path):
        for number in range(8):
            write_image(tmp_path / "data" / f"{number}.jpg")
            text = json.dumps({"labels": [{"name": "猫" if number % 2 else "狗"}]})
            (tmp_path / "data" / f"{number}.json").write_text(text, encoding="utf-8")
        called, found, _ = made(tmp_path / "data", test=0)
        assert called == ["狗", "猫"]
        assert sorted(found) == ["train", "val"]


@pytest.mark.slow
class TestConfiguration:
    def test_a_base_keeps_its_own_and_takes_the_lists(self, run, tmp_path):
        write_folders(tmp_path / "data", (4, 4, 4))
        stock.write(tmp_path)
        done = run("lists", "data", "--base", "stock.yaml", "--image-size", 32)
        assert done.returncode == 0, done.errors
        config = yaml.safe_load((tmp_path / "lists" / "train.yaml").read_text(encoding="utf-8"))
        assert config["Arch"] == {"name": "MobileNetV3_small_x0_35", "class_num": 3}
        assert config["Optimizer"]["lr"]["warmup_epoch"] == 5
        assert config["DataLoader"]["Train"]["dataset"]["delimiter"] == "\t"
        assert config["DataLoader"]["Eval"]["dataset"]["transform_ops"][1] == {"ResizeImage": {"resize_short": 37}}
        assert config["Infer"]["PostProcess"]["class_id_map_file"] == "lists/label.txt"

    def test_a_data_set_without_delimiter_is_refused(self, run, tmp_path, ppcls):
        write_folders(tmp_path / "data", (4, 4, 4))
        (tmp_path / "base.yaml").write_text(stock.CONFIGURATION.replace("ImageNetDataset", "MultiScaleDataset"))
        done = run("lists", "data", "--base", "base.yaml", "--image-size", 32)
        if "delimiter" in inspect.signature(ppcls.names("dataset")["MultiScaleDataset"]).parameters:
            assert done.returncode == 0, done.errors
        else:
            fails(done, "a source of paths without spaces", "MultiScaleDataset of this PaddleClas takes no `delimiter`")
            assert not (tmp_path / "lists").exists()

    def test_without_a_validation_list_the_test_chooses_no_epoch(self, here, capfd):
        write_folders(here / "data")
        assert main(["lists", "data", *map(str, SMALL), "--val-fraction", "0"]) == 0
        config = yaml.safe_load(Path("lists/train.yaml").read_text(encoding="utf-8"))
        assert config["Global"]["eval_during_train"] is False
        steps = capfd.readouterr().out.splitlines()[-4:]
        assert [step.split(":")[0] for step in steps] == ["check", "train", "test", "report"]
        assert steps[2].endswith("eval --run lists/output") and steps[3].endswith("report lists/output --of eval")

    def test_unknown_architectures_and_sizes_that_do_not_fit(self, run, tmp_path):
        write_folders(tmp_path / "data", (4, 4, 4))
        fails(run("lists", "data", "--arch", "CIFARResNet9"), "unknown architecture 'CIFARResNet9'", "did you mean")
        done = run("lists", "data", "--arch", "DeiT_tiny_patch16_224", "--image-size", 64)
        fails(done, "`--image-size` must be one that DeiT_tiny_patch16_224 takes")
        assert not (tmp_path / "lists").exists()

    def test_weights_go_where_the_architecture_takes_them(self, run, tmp_path):
        write_folders(tmp_path / "data", (4, 4, 4))
        paddle.save(CIFARResNet8(class_num=3).state_dict(), str(tmp_path / "before.pdparams"))
        flags = ("--arch", "CIFARResNet8", "--image-size", 32, "--pretrained")
        fails(
            run("lists", "data", *flags, "befor"),
            "`--pretrained` must be the path",
            "befor, which is not there; . holds before",
        )
        fails(
            run("lists", "data", *flags, "true"), "`--pretrained` must be the path of weights, got true, and PaddleCl"
        )
        assert not (tmp_path / "lists").exists()
        done = run("lists", "data", *flags, "before.pdparams")
        assert done.returncode == 0, done.errors
        config = yaml.safe_load((tmp_path / "lists" / "train.yaml").read_text(encoding="utf-8"))
        assert config["Arch"] == {"name": "CIFARResNet8", "class_num": 3}
        assert config["Global"]["pretrained_model"] == "before"
        assert commands.run(tmp_path, "check", "-c", "lists/train.yaml").returncode == 0


class TestMistakes:
    def test_a_class_of_too_few_images(self, here, capfd):
        write_folders(here / "data", (4, 2, 4))
        refused(capfd, ("data",), "got fewer of 1 class: 'red panda' (2)", "--allow-missing")
        assert "val: no image of 1 of 3 classes: 'red panda'" in made(here / "data", allow_missing=True)[2]

    def test_images_that_are_not_there(self, here, capfd):
        for number in range(4):
            write_image(here / "data" / f"{number}.jpg")
        lines = [f"{number}.jpg {number % 2}\n" for number in range(6)]
        (here / "data" / "train.txt").write_text("".join(lines))
        refused(capfd, ("data",), "2 that are not below data: '4.jpg', '5.jpg'", "--skip-missing")
        called, _, told = made(here / "data", test=0, skip_missing=True)
        assert "left out, not to be found: 2 images" in told
        assert called == ["0", "1"]

    def test_resplit_takes_an_image_of_several_parts_once(self, here, capfd):
        for number in range(6):
            write_image(here / "data" / f"{number}.jpg")
        (here / "data" / "train.txt").write_text("".join(f"{number}.jpg {number % 2}\n" for number in range(6)))
        (here / "data" / "val.txt").write_text("0.jpg 0\n1.jpg 1\n")
        _, parts, told = made(here / "data", test=0, anew=True)
        assert sorted(image for part in parts.values() for image, _ in part) == [f"{number}.jpg" for number in range(6)]
        assert "left out, named twice: 2 images" in told
        (here / "data" / "val.txt").write_text("0.jpg 1\n")
        refused(capfd, ("data", "--resplit"), "'0' and '1' of '0.jpg'")

    def test_an_image_of_two_parts_or_two_classes(self, here, capfd):
        for number in range(4):
            write_image(here / "data" / f"{number}.jpg")
        train = "".join(f"{number}.jpg {number % 2}\n" for number in range(4))
        (here / "data" / "train.txt").write_text(train)
        (here / "data" / "val.txt").write_text("0.jpg 0\n1.jpg 1\n")
        refused(capfd, ("data",), "2 in several: '0.jpg' in train and val", "--resplit")
        (here / "data" / "train.txt").write_text(train + "0.jpg 1\n")
        refused(capfd, ("data",), "'0' and '1' of '0.jpg'")

    @pytest.mark.parametrize(
        ("flags", "said"),
        [
            (("nothere",), "an existing folder or CSV file"),
            (("data", "--group-column", "a"), "used with a table"),
            (("data", "--delimiter", ","), "used with a table or lists"),
            (("data", "--val-fraction", "0.5", "--test-fraction", "0.5"), "below 1 together"),
            (("data", "--group-pattern", "(a+)+"), "may take for ever"),
            (("data", "--group-pattern", "patient"), "finds nothing in 12 of 12"),
            (("data", "--val-fraction", "0", "--test-fraction", "0"), "above 0 where there is no test list"),
            (("data", "--image-size", "0"), "an integer >= 1"),
            (("empty",), "images in a folder for each class"),
        ],
    )
    def test_flags(self, here, capfd, flags, said):
        write_folders(here / "data", (4, 4, 4))
        (here / "empty").mkdir()
        refused(capfd, flags, said)
        assert not (here / "lists").exists()

    def test_nothing_is_replaced_unless_it_is_asked_for(self, here, capfd):
        write_folders(here / "data", (4, 4, 4))
        (here / "lists").mkdir()
        (here / "lists" / "val.txt").write_text("mine")
        refused(
            capfd,
            (
                "data",
                *SMALL,
            ),
            "a new file (or pass --force to replace it)",
        )
        assert os.listdir(here / "lists") == ["val.txt"]

    def test_what_is_written_does_not_lie_among_the_images(self, here, capfd, monkeypatch):
        write_folders(here / "data", (4, 4, 4))
        for flags in (("data", "--out", "data"), ("data", "--out", "data/new/lists")):
            refused(capfd, flags, "a folder outside of SOURCE", "`--out lists` lies beside it")
        (here / "file").write_text("")
        refused(capfd, ("data", "--out", "file/lists"), "`--out` must be a folder, got file/lists", "is a file")
        monkeypatch.chdir(here / "data")
        refused(capfd, (".",), "a folder outside of SOURCE", "got 'lists'", "`--out ../lists`")

    def test_a_name_that_is_no_text_is_said(self, here, capfd):
        """As an archive from a system with another encoding leaves them."""
        write_folders(here / "data", (4, 4, 4))
        os.rename(b"data/dog/" + "患者0 0.jpg".encode(), b"data/dog/\xff.jpg")
        refused(capfd, ("data", *SMALL), "what is no text in UTF-8 in 'dog/\\udcff.jpg'; rename it")
        os.rename(b"data/dog/\xff.jpg", b"data/dog/0.jpg")
        os.rename(b"data/dog", "狗".encode("gbk"))
        os.rename("狗".encode("gbk"), b"data/" + "狗".encode("gbk"))
        refused(capfd, ("data", *SMALL), "; rename it")

    def test_a_folder_of_two_classes_by_a_link_is_said(self, here, capfd):
        write_folders(here / "data", (4, 4, 4))
        (here / "data" / "wolf").symlink_to(here / "data" / "dog")
        refused(capfd, ("data", *SMALL), "one class each (data)", "got dog and wolf, which a link makes one folder")
        (here / "data" / "wolf").unlink()
        # Back to where it lies, or into its own class, a link brings nothing new.
        (here / "data" / "dog" / "all").symlink_to(here / "data")
        (here / "data" / "dog" / "same").symlink_to(here / "data" / "dog")
        assert main(["lists", "data", *map(str, SMALL)]) == 0
        assert "12 images of 3 classes" in capfd.readouterr().out

    def test_no_list_of_an_earlier_call_is_left(self, here, capfd):
        write_folders(here / "data", (4, 4, 4))
        assert main(["lists", "data", *map(str, SMALL)]) == 0
        (here / "lists" / "val.txt").rename(here / "lists" / "kept")  # not one that a call would replace
        anew = ("data", *SMALL, "--test-fraction", 0)
        refused(capfd, anew, "a new file (or pass --force to replace it)")
        assert main(["lists", *map(str, anew), "--force"]) == 0
        assert f"removed, of an earlier call: {Path('lists', 'test.txt')}\n" in capfd.readouterr().out
        assert sorted(os.listdir("lists")) == ["kept", "label.txt", "train.txt", "train.yaml", "val.txt"]

    def test_a_folder_around_the_classes_and_one_beside_the_parts(self, here, capfd):
        write_folders(here / "around" / "my data", (4, 4, 4))
        refused(
            capfd, ("around",), "at least two classes, got one class, 'my data'", "`ppcls-lt lists 'around/my data'`"
        )
        for part in ("train", "val"):
            write_folders(here / "parts" / part, (4, 4, 4))
        write_image(here / "parts" / "samples" / "1.jpg")
        refused(capfd, ("parts",), "train, val with folders in them, and beside them samples", "take the other folders")
        # A train is a thing that one can have pictures of.
        write_image(here / "vehicles" / "train" / "1.jpg")
        write_image(here / "vehicles" / "car" / "1.jpg")
        assert made(here / "vehicles", test=0, allow_missing=True)[0] == ["car", "train"]

    def test_an_image_that_is_written_in_several_ways_is_one(self, here, capfd):
        for number in range(4):
            write_image(here / "data" / f"{number}.jpg")
        rows = ["path,label", "0.jpg,a", "./0.jpg,a", ".//0.jpg,a", f"{here / 'data' / '0.jpg'},a", "1.jpg,b"]
        (here / "data" / "table.csv").write_text("\n".join([*rows, "2.jpg,a", "3.jpg,b"]))
        _, found, told = made(here / "data" / "table.csv", test=0, allow_missing=True)
        assert "named twice: 3 images" in told
        assert sorted(image for rows in found.values() for image, _ in rows) == [f"{number}.jpg" for number in range(4)]
        (here / "data" / "table.csv").write_text("\n".join([*rows, f"{here / 'data' / '0.jpg'},b"]))
        refused(capfd, ("data/table.csv",), "'a' and 'b' of '0.jpg'")

    def test_a_column_that_is_called_like_one_of_parts(self, here, capfd):
        for number in range(4):
            write_image(here / "data" / f"{number}.jpg")
        rows = [f"{number}.jpg,{'ab'[number % 2]},wheel" for number in range(4)]
        (here / "data" / "table.csv").write_text("\n".join(["path,label,part", *rows]))
        refused(capfd, ("data/table.csv",), "got 'part', with 'wheel' in record 2", "`--part-column ''` takes none")
        assert len(made(here / "data" / "table.csv", test=0, allow_missing=True, columns={"part": ""})[1]["train"]) == 2

    def test_one_json_file_of_another_tool_makes_no_easydl(self, here):
        write_folders(here / "data", (4, 4, 4))
        next((here / "data" / "dog").glob("*.jpg")).with_suffix(".json").write_text('{"shapes": []}')
        called, _, told = made(here / "data", test=0)
        assert called == list(NAMES) and "no images by their endings: 1 .json" in told

    def test_a_tab_in_a_path(self, here, capfd):
        write_folders(here / "data", (4, 4, 4))
        write_image(here / "data" / "dog" / "a\tb.jpg")
        refused(capfd, ("data",), "a tab, where another has a space", "rename it")


class TestGroupedSplit:
    def test_without_groups_it_is_the_stratified_one(self):
        labels = np.repeat(np.arange(6), [2, 3, 10, 25, 60, 101])
        images = [f"image {number}" for number in range(labels.size)]
        for seed in range(3):
            held = grouped_split(labels, images, fraction=0.15, seed=seed)
            assert np.array_equal(
                np.flatnonzero(held), stratified_split(labels, fraction=0.15, images=images, seed=seed)[1]
            )

    def test_groups_are_whole_and_shares_near(self):
        random = np.random.default_rng(0)
        groups = random.integers(0, 300, 5000)
        # Patients of whom most images, but not all, are of one class.
        labels = np.where(random.random(5000) < 0.8, groups % 7, random.integers(0, 7, 5000))
        held = grouped_split(labels, [f"patient {g}" for g in groups], fraction=0.2)
        assert not set(groups[held]) & set(groups[~held])
        shares = np.bincount(labels[held], minlength=7) / np.bincount(labels)
        assert np.abs(shares - 0.2).max() < 0.03

    def test_a_class_in_one_group_stays_in_training(self):
        held = grouped_split([0, 0, 0, 1, 1], ["a", "a", "b", "c", "c"], fraction=0.5)
        assert held.sum() in (1, 2) and not held[3:].any()
