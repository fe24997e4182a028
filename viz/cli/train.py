"""`glassgrad train`: a network learns a data set, and you see how well."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from ...engine.choices import unknown
from ...engine.shown import counted, few, visible
from ...engine.writing import check_writable, write_file
from ...nn import schedules
from ...nn.data import MADE, REAL, Dataset, Standardisation, csv_columns, read_csv, split
from ...nn.files import to_bytes
from ...nn.history import History
from ...nn.layers import MLP
from ...nn.losses import LOSSES
from ...nn.optimizers import OPTIMIZERS
from ...nn.prediction import predict, predict_proba
from ...nn.training import TrainingError, fit
from ..plot import new_figure, plot_decision_boundary, plot_fit, plot_history
from .errors import CommandError, in_one_line

SETS = ("xor", "moons", "circles", "spiral", "blobs", "sine", "iris", "digits")
PICTURES = (".png", ".svg", ".pdf")
WIDE = 20
"""With more features than this one broad hidden layer generalises better than two narrow ones."""
EXAMPLES = """\
examples:
  glassgrad train moons
  glassgrad train moons --hidden 16 16 --epochs 100 --seed 1 --plot moons.png --save moons.safetensors
  glassgrad train spiral --hidden 32 32 --epochs 300
  glassgrad train digits --epochs 40
  glassgrad train houses.csv --target price --task regression --plot price.svg
  glassgrad predict moons.safetensors points.csv"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Train a multilayer perceptron; part of the data is held out to test it."
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add("data", metavar="DATA", help=f"{', '.join(SETS)}, or a CSV file with a header line")
    add("--target", metavar="COLUMN", help="the column of the CSV file to predict")
    add(
        "--task",
        choices=("classification", "regression"),
        help="for a CSV file, where its target column leaves it open",
    )
    add("--samples", type=_whole, metavar="N", help="how many examples to make (not for iris, digits, CSV)")
    add("--noise", type=_from_zero, metavar="X", help="standard deviation of the noise on them")
    add("--hidden", type=_whole, nargs="*", metavar="N", help="neurons of each hidden layer (16 16; for wide data 64)")
    add("--activation", default="tanh", metavar="OP", help="of the hidden layers: tanh, relu, sigmoid, silu, … (tanh)")
    add("--loss", choices=[*LOSSES], metavar="LOSS", help=f"{', '.join(LOSSES)} (by the task)")
    add("--optimizer", choices=("sgd", "rmsprop", "adam", "adamw"), default="adam", help="(adam)")
    add(
        "--learning-rate",
        "--lr",
        type=_positive,
        default=0.03,
        metavar="X",
        help="at the start; falls to 0 along a cosine (0.03)",
    )
    add("--epochs", type=_whole, default=100, metavar="N", help="passes over the training data, at most (100)")
    add("--batch-size", type=_whole, default=32, metavar="N", help="examples for one update (32)")
    add("--l1", type=_from_zero, default=0.0, metavar="X", help="add X·Σ|p| to the loss")
    add("--l2", type=_from_zero, default=0.0, metavar="X", help="add X·Σp² to the loss")
    add("--patience", type=_whole, metavar="N", help="stop when the error has not fallen for N epochs")
    add("--test", type=float, default=0.2, metavar="SHARE", help="share of the data held out for the test (0.2)")
    add("--seed", type=_seed, default=0, metavar="N", help="of data, split, weights and batches (0)")
    add("--eager", action="store_true", help="use the eager engine, not the compiled program: same numbers, slower")
    add("--plot", type=Path, metavar="FILE", help="write a picture (png, svg, pdf)")
    add("--save", type=Path, metavar="FILE", help="write the network (safetensors)")


def run(options: argparse.Namespace) -> int:
    """Train, save, plot, and print the summary."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _warned
        try:
            _check_files(options)
            trained = _prepared(options, _load(options))
            if options.save:
                to_bytes(trained.model, trained.notes())  # what cannot be saved is said before the training
            trained = trained._replace(history=_fitted(options, trained))
        except (ValueError, OSError, ImportError, TrainingError) as error:
            raise CommandError(in_one_line(error)) from None
        files = ((options.save, _save), (options.plot, _plot))
        found = {path: _failure(write, options, trained) for path, write in files if path}
    _print_summary(options, trained, [path for path, failure in found.items() if failure is None])
    for failure in filter(None, found.values()):
        raise CommandError(in_one_line(failure))
    return 0


def _failure(write: Callable[..., None], options: argparse.Namespace, trained: _Trained) -> Exception | None:
    """Why a file could not be written: the other file is written, and the result shown, all the same."""
    try:
        write(options, trained)
    except (ValueError, OSError) as error:
        return error
    return None


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    print(f"glassgrad: {visible(str(message))}", file=sys.stderr)


class _Trained(NamedTuple):
    model: MLP
    history: History
    train: Dataset
    test: Dataset | None
    scaling: Standardisation
    target_scaling: Standardisation | None
    loss: str

    @property
    def task(self) -> str:
        return "classification" if self.train.classes else "regression"

    def notes(self) -> dict[str, Any]:
        """What `glassgrad predict` needs besides the network."""
        scalings = {"scaling": self.scaling, "target_scaling": self.target_scaling}
        return {
            "task": self.task,
            "loss": self.loss,
            "features": list(self.train.features),
            "target": self.train.target,
            "classes": list(self.train.classes),
            **{name: {"mean": s.mean, "scale": s.scale} for name, s in scalings.items() if s},
        }

    def predict(self, inputs: Any) -> Any:
        """Probabilities of the classes, or the numbers of a regression in their own unit."""
        scaled = self.scaling.apply(inputs)
        if self.target_scaling is None:
            return predict_proba(self.model, scaled)
        return predict(self.model, scaled, "regression") * self.target_scaling.scale[0] + self.target_scaling.mean[0]


def _whole(text: str, least: int = 1) -> int:
    if not text.isdecimal() or len(text) > 18 or int(text) < least:
        allowed = f"a whole number from {least} up" + " with at most 18 digits" * (len(text) > 18)
        raise argparse.ArgumentTypeError(f"must be {allowed}, got {text.strip()!r}")
    return int(text)


def _seed(text: str) -> int:
    return _whole(text, least=0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _from_zero(text: str) -> float:
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number from 0 up, got {text.strip()!r}")
    return number


def _positive(text: str) -> float:
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text.strip()!r}")
    return number


def _check_files(options: argparse.Namespace) -> None:
    """Whatever would fail after the training fails before it."""
    for path in filter(None, (options.plot, options.save)):
        check_writable(path)
    if options.save and options.save.suffix.lower() != ".safetensors":
        raise CommandError(f"--save {options.save}: the name must end in .safetensors")
    if options.plot:
        if options.plot.suffix.lower() not in PICTURES:
            raise CommandError(f"--plot {options.plot}: the name must end in {', '.join(PICTURES)}")
        new_figure()


def _load(options: argparse.Namespace) -> Dataset:
    making = {"n": options.samples, "noise": options.noise}
    chosen = {name: given for name, given in making.items() if given is not None}
    if options.data in MADE:
        if options.target or options.task:
            raise CommandError(f"--target and --task are for CSV files, not for {options.data}")
        return MADE[options.data](seed=options.seed, **chosen)
    if chosen:
        raise CommandError(
            f"--samples and --noise are for data that are made ({', '.join(MADE)}), not for {options.data}"
        )
    if options.data in REAL:
        if options.target or options.task:
            raise CommandError(f"--target and --task are for CSV files, not for {options.data}")
        return REAL[options.data]()
    if not Path(options.data).exists() or Path(options.data).is_dir():
        raise CommandError(unknown("data", options.data, SETS, "or a CSV file that exists"))
    if not options.target:
        raise CommandError(
            f"which column of {options.data} is to be predicted? Add --target COLUMN, one of "
            f"{few(csv_columns(options.data), 12)}"
        )
    return read_csv(options.data, options.target, options.task)


def _prepared(options: argparse.Namespace, data: Dataset) -> _Trained:
    """The parts of the data, their scaling, and the network as it was drawn."""
    try:
        train, test = split(data, options.test, options.seed) if options.test else (data, None)
    except ValueError as error:
        numbers = data.target if data.classes and options.target and not options.task else ""
        hint = f", and if {numbers} is a number and no class, add --task regression" if numbers else ""
        raise CommandError(f"{error}: --test 0 holds out nothing{hint}") from None
    scaling = Standardisation.of(train.inputs)
    classes = len(data.classes)
    target_scaling = None if classes else Standardisation.of(train.targets[:, None])
    loss = options.loss or (
        "half_squared_error" if not classes else "binary_cross_entropy" if classes == 2 else "cross_entropy"
    )
    outputs = classes if classes > 2 or loss == "cross_entropy" else 1
    if target_scaling and loss in ("hinge", "binary_cross_entropy", "cross_entropy"):
        raise CommandError(f"--loss {loss} is for classes, and {data.target} is a number")
    if classes and loss not in ("hinge", "binary_cross_entropy", "cross_entropy"):
        raise CommandError(f"--loss {loss} is for numbers, and {data.target} is a class")
    init = "he" if options.activation in ("relu", "leaky_relu", "silu", "gelu") else "xavier"
    hidden = options.hidden if options.hidden is not None else [64] if len(data.features) > WIDE else [16, 16]
    sizes = [*hidden, outputs]
    model = MLP(len(data.features), sizes, activation=options.activation, init=init, seed=options.seed)
    return _Trained(model, History(), train, test, scaling, target_scaling, loss)


def _fitted(options: argparse.Namespace, trained: _Trained) -> History:
    train, scaling = trained.train, trained.target_scaling
    updates = options.epochs * math.ceil(len(train) / options.batch_size)
    rate = schedules.cosine(options.learning_rate, 0.0, updates)
    return fit(
        trained.model,
        trained.scaling.apply(train.inputs),
        scaling.apply(train.targets[:, None])[:, 0] if scaling else train.targets,
        loss=trained.loss,
        optimizer=OPTIMIZERS[options.optimizer](learning_rate=rate),
        epochs=options.epochs,
        batch_size=options.batch_size,
        l1=options.l1,
        l2=options.l2,
        patience=options.patience,
        compiled=not options.eager,
        seed=options.seed,
    )


def _save(options: argparse.Namespace, trained: _Trained) -> None:
    write_file(options.save, to_bytes(trained.model, trained.notes()))


def _plot(options: argparse.Namespace, trained: _Trained) -> None:
    data, title = trained.train, f"{Path(options.data).name}: {_sizes(trained)}"
    extra = (2 if data.classes else 1) == len(data.features)
    figure = new_figure(1 + extra)
    if extra and data.classes:
        axes = figure.add_subplot(1, 2, 1)
        plot_decision_boundary(
            trained.predict, *data, classes=data.classes, features=data.features, title=title, axes=axes
        )
    elif extra:
        axes = figure.add_subplot(1, 2, 1)
        plot_fit(trained.predict, *data, features=data.features, target=data.target, title=title, axes=axes)
    plot_history(trained.history, axes=figure.add_subplot(1, 1 + extra, 1 + extra))
    figure.savefig(options.plot)


def _sizes(trained: _Trained) -> str:
    sizes = [len(trained.train.features), *(len(layer.neurons) for layer in trained.model.layers)]
    return "-".join(map(str, sizes))


def _print_summary(options: argparse.Namespace, trained: _Trained, written: list[Path]) -> None:
    history, train, test = trained.history, trained.train, trained.test
    last = history.epochs[-1] if history.epochs else None
    classes = f", {len(train.classes)} classes" if train.classes else ""
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    examples = counted(len(train), "example")
    held_out = f" + {len(test)} held out" if test else ""
    table.add_row("data", f"{examples}{held_out}, {counted(len(train.features), 'feature')}{classes}")
    table.add_row(
        "network", f"{_sizes(trained)}, {options.activation}, {counted(len(trained.model.parameters()), 'parameter')}"
    )
    table.add_row("loss", f"{trained.loss}, {options.optimizer}, seed {options.seed}")
    seconds = 0.0 if last is None else last.seconds
    taken = f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
    table.add_row("training", f"{counted(len(history), 'epoch')} in {taken} ({history.stopped})")
    table.add_row("engine", visible(history.engine))
    table.add_row("final loss", f"{last.loss:.6g}" if last else "none: interrupted in the first epoch")
    for name, part in (("training", train), ("test", test)):
        if part is not None:
            table.add_row(*_quality(trained, name, part))
    for path in written:
        table.add_row("written", visible(str(path)))
    Console(markup=False, emoji=False).print(table)


def _quality(trained: _Trained, name: str, part: Dataset) -> tuple[str, str]:
    found = trained.predict(part.inputs)
    if part.classes:
        right = int(np.sum(np.argmax(found, axis=1) == part.targets))
        return f"{name} accuracy", f"{right / len(part):.1%} ({right} of {len(part)})"
    misses = found - part.targets
    spread = float(np.sum((part.targets - part.targets.mean()) ** 2))
    explained = f", R² {1 - float(misses @ misses) / spread:.4f}" if spread else ""
    return f"{name} error", f"{math.sqrt(float(np.mean(misses**2))):.4g} (root mean square{explained})"
