import csv
from pathlib import Path

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.viz import plot
from glassgrad.viz.cli.main import main

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def points(path, rows, header):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_the_command_of_the_readme_and_its_prediction(tmp_path, capsys):
    words = [
        "train",
        "moons",
        "--hidden",
        "16",
        "16",
        "--epochs",
        "100",
        "--seed",
        "1",
        "--plot",
        "moons.png",
        "--save",
        "moons.safetensors",
    ]
    assert main(words) == 0
    shown = capsys.readouterr().out
    for expected in ("2-16-16-1", "337 parameters", "100.0% (80 of 80)", "100.0% (20 of 20)", "compiled", "moons.png"):
        assert expected in shown
    assert (tmp_path / "moons.png").read_bytes().startswith(b"\x89PNG")
    points(tmp_path / "points.csv", [[0.5, 0.0], [-0.5, 1.0]], ["x2", "x1"])
    assert main(["predict", "moons.safetensors", "points.csv"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "y,p(0),p(1)"
    assert [row.split(",")[0] for row in rows] == ["1", "1"]
    model, notes = nn.load_with_notes("moons.safetensors")
    p = nn.predict_proba(model, nn.Standardisation(**notes["scaling"]).apply([[0.0, 0.5], [1.0, -0.5]]))
    assert [[float(x) for x in row.split(",")[1:]] for row in rows] == [pytest.approx(list(row), abs=1e-6) for row in p]


def test_a_prediction_does_not_overwrite_what_it_reads(tmp_path, capsys):
    assert main(["train", "xor", "--hidden", "2", "--epochs", "1", "--save", "a.safetensors"]) == 0
    points(tmp_path / "p.csv", [[0.5, 0.0]], ["x1", "x2"])
    before = (tmp_path / "p.csv").read_text()
    (tmp_path / "link.csv").symlink_to("p.csv")
    for output in ("p.csv", "./p.csv", "link.csv", "a.safetensors"):
        assert main(["predict", "a.safetensors", "p.csv", "-o", output]) == 2
        assert f"{Path(output)} is the file that is read: give it another name" in capsys.readouterr().err
    assert (tmp_path / "p.csv").read_text() == before
    assert main(["predict", "a.safetensors", "p.csv", "-o", "new.csv"]) == 0


def test_the_same_command_gives_the_same_bytes(tmp_path):
    for name in ("a.safetensors", "b.safetensors"):
        assert main(["train", "xor", "--hidden", "4", "--epochs", "5", "--save", name]) == 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("data", ["xor", "circles", "spiral", "blobs", "iris"])
def test_every_classification_trains(data, capsys):
    assert main(["train", data, "--epochs", "60", "--hidden", "12", "--plot", "p.svg"]) == 0
    assert "test accuracy" in capsys.readouterr().out


def test_digits_from_the_command_line(capsys):
    assert main(["train", "digits", "--epochs", "40", "--seed", "1"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "test accuracy" in line)
    assert float(line.split("│")[2].split("%")[0]) >= 96


def test_a_csv_file_with_classes(tmp_path, capsys):
    X, y = nn.blobs(90, seed=1)
    points(tmp_path / "my.csv", [[*x, f"kind {c}"] for x, c in zip(X, y)], ["width", "height", "label"])
    assert (
        main(
            [
                "train",
                "my.csv",
                "--target",
                "label",
                "--loss",
                "hinge",
                "--epochs",
                "50",
                "--save",
                "my.safetensors",
                "--patience",
                "10",
            ]
        )
        == 0
    )
    assert "3 classes" in capsys.readouterr().out
    assert main(["predict", "my.safetensors", "my.csv", "-o", "found.csv"]) == 0
    assert capsys.readouterr().err == "columns not used: label\n90 predictions written to found.csv\n"
    found = (tmp_path / "found.csv").read_text().splitlines()
    assert found[0] == "label"
    assert np.mean([line == f"kind {c}" for line, c in zip(found[1:], y)]) > 0.9


def test_a_regression(tmp_path, capsys):
    X, y = nn.sine(80, noise=0.01, seed=1)
    points(tmp_path / "my.csv", [[*x, 300 + 20 * t] for x, t in zip(X, y)], ["x", "price"])
    assert (
        main(
            [
                "train",
                "my.csv",
                "--target",
                "price",
                "--epochs",
                "300",
                "--save",
                "my.safetensors",
                "--plot",
                "my.pdf",
                "--test",
                "0",
            ]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "root mean square, R² 0.99" in shown
    assert "test" not in shown
    assert main(["predict", "my.safetensors", "my.csv"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "price"
    assert np.abs(np.array(rows, dtype=float) - (300 + 20 * y)).max() < 3


@pytest.mark.parametrize("command", ["train", "predict"])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "examples:\n  glassgrad train moons" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train mooons", "unknown data 'mooons' (must be one of xor, moons"),
        ("train my.csv", "which column of my.csv is to be predicted? Add --target COLUMN, one of "),
        ("train my.csv --target c", "my.csv has no column 'c' (columns: 'a', 'b')"),
        ("train my.csv --target b --noise 1", "--samples and --noise are for data that are made"),
        ("train moons --target b", "--target and --task are for CSV files"),
        ("train moons --plot moons.bmp", "the name must end in .png, .svg, .pdf"),
        (
            "train moons --save nowhere/../m.safetensors",
            "cannot write nowhere/../m.safetensors: there is no folder nowhere/..",
        ),
        ("train moons --samples 1000000000000000", "not enough memory: Unable to allocate"),
        ("train moons --save nowhere/m", "cannot write nowhere/m: there is no folder nowhere"),
        (f"train moons --save {'n' * 300}.safetensors", "its name is too long"),
        ("train moons --plot my.csv/p.png", "my.csv is no folder"),
        ("train moons --hidden 100000000", "400,000,001 parameters, which take about 100 GB"),
        ("train moons --save m.txt", "--save m.txt: the name must end in .safetensors"),
        ("train moons --save .", "cannot write .: it is a folder"),
        ("train my.csv --target a", "--test 0 holds out nothing, and if a is a number and no class, add --task regr"),
        ("train moons --activation bent", "unknown activation 'bent'"),
        ("train sine --loss hinge", "--loss hinge is for classes, and y is a number"),
        ("train moons --loss mean_squared_error", "--loss mean_squared_error is for numbers, and y is a class"),
        ("train moons --test 1.5", "test must be a share above 0 and below 1"),
        ("predict my.csv my.csv", "my.csv: no safetensors file"),
        ("predict gone.safetensors my.csv", "No such file"),
        ("predict bare.safetensors my.csv", "it was not saved by glassgrad train"),
        ("predict moons.safetensors my.csv", "my.csv has no column 'x1', 'x2' (columns: 'a', 'b')"),
    ],
)
def test_mistakes_are_told_in_one_line(words, message, tmp_path, capsys):
    points(tmp_path / "my.csv", [[1, 2], [3, 4.5], [5, 6]], ["a", "b"])
    nn.save(nn.MLP(2, [1]), "bare.safetensors")
    if "moons.safetensors" in words:
        main(["train", "moons", "--epochs", "1", "--save", "moons.safetensors"])
        capsys.readouterr()
    assert main(words.split()) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("glassgrad: error: ")
    assert message in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    "words", ["--noise -1", "--noise nan", "--l1 inf", "--l2 -1", "--seed -1", "--seed 1.5", "--learning-rate 0"]
)
def test_numbers_out_of_range(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["train", "moons", *words.split()])
    assert caught.value.code == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"glassgrad train: error: argument {words.split()[0]}") and ": must be a " in told
    assert told.endswith(f", got '{words.split()[1]}'")


@pytest.mark.skipif(not hasattr(__import__("os"), "mkfifo"), reason="needs pipes with names")
def test_data_from_a_pipe(tmp_path, capsys):
    import os
    import threading

    os.mkfifo("pipe")
    text = "a,y\n" + "".join(f"{x},{x * x / 7}\n" for x in range(10))
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,))
    writer.start()
    assert main(["train", "pipe", "--target", "y", "--epochs", "1"]) == 0
    writer.join()
    assert "8 examples + 2 held out" in capsys.readouterr().out
    nn.save(nn.MLP(1, [1]), "m.safetensors")
    assert main(["predict", "m.safetensors", "pipe"]) == 2
    assert "pipe is a pipe: write the points to a file first" in capsys.readouterr().err


def test_plots_stand_alone(tmp_path):
    data = nn.blobs(30)
    history = nn.fit(nn.MLP(2, [3]), *data, loss="cross_entropy", epochs=2, validation=0.3)
    figure = plot.plot_history(history)
    assert [line.get_label() for axes in figure.axes for line in axes.get_lines()] == [
        "loss",
        "validation loss",
        "accuracy",
        "validation accuracy",
    ]
    figure = plot.plot_decision_boundary(lambda p: (p[:, 0] > 0) * 2, *data, classes=["a", "b", "c"])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a", "b", "c"]
    figure.savefig(tmp_path / "b.png")
    image = figure.axes[0].images[0].get_array()
    assert image[100, 5].tolist() != image[100, -5].tolist()
    with pytest.raises(ValueError, match=r"two features, got inputs of shape .3, 1."):
        plot.plot_decision_boundary(lambda p: p[:, 0], [[1.0]] * 3, [0, 1, 0])
    with pytest.raises(ValueError, match=r"one feature, got inputs of shape .1, 2."):
        plot.plot_fit(lambda p: p[:, 0], [[1.0, 2.0]], [0.0])


def test_without_matplotlib_the_extra_is_named_before_training(monkeypatch, capsys):
    plot._figure_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert main(["train", "moons", "--plot", "m.png", "--epochs", "1000000"]) == 2
    assert 'plots need matplotlib: pip install "glassgrad[plot]"' in capsys.readouterr().err
