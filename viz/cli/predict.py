"""`glassgrad predict`: apply a network that `glassgrad train` saved to the rows of a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from ...engine.shown import counted, visible
from ...engine.writing import write_file
from ...nn.data import Standardisation, csv_columns, read_csv
from ...nn.files import load_with_notes
from ...nn.prediction import outputs, predict, predict_proba
from .errors import CommandError, in_one_line

EXAMPLES = """\
examples:
  glassgrad train moons --save moons.safetensors
  glassgrad predict moons.safetensors points.csv
  glassgrad predict moons.safetensors points.csv --output classes.csv

points.csv needs the columns the network was trained on (for moons x1 and x2), in any order:
  x1,x2
  0.5,1.0
  1.0,-0.4"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Print a CSV table with the prediction for each row, and for classes their probabilities."
    parser.epilog = EXAMPLES
    parser.add_argument("network", type=Path, metavar="NETWORK", help="a file written by glassgrad train --save")
    parser.add_argument("points", type=Path, metavar="POINTS", help="a CSV file with a header line")
    parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="write the table to a file")


def run(options: argparse.Namespace) -> int:
    """Predict and print."""
    if options.points.exists() and not (options.points.is_file() or options.points.is_dir()):
        raise CommandError(f"{options.points} is a pipe: write the points to a file first")
    for given in (options.points, options.network):
        if options.output and options.output.exists() and given.exists() and options.output.samefile(given):
            raise CommandError(f"--output {options.output} is the file that is read: give it another name")
    try:
        model, notes = load_with_notes(options.network)
        _check(notes, options.network)
        data = read_csv(options.points, features=notes["features"])
        unused = [name for name in csv_columns(options.points) if name not in notes["features"]]
        if unused:
            print(f"columns not used: {', '.join(map(visible, unused))}", file=sys.stderr)
        scaled = Standardisation(**notes["scaling"]).apply(data.inputs)
        if notes["task"] == "classification":
            shares = predict_proba(model, scaled)
            if shares.shape[1] != len(notes["classes"]):
                raise ValueError(
                    f"{options.network} has {len(notes['classes'])} classes, its network {shares.shape[1]}"
                )
            rows = _classified(shares, notes)
        else:
            scaling = Standardisation(**notes["target_scaling"])
            if outputs(model, scaled[:1]).shape[1] != 1:
                raise ValueError(f"{options.network} is a regression, and its network has several outputs")
            numbers = predict(model, scaled, "regression") * scaling.scale[0] + scaling.mean[0]
            rows = [[notes["target"]], *([repr(float(x))] for x in numbers)]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        if options.output:
            write_file(options.output, text.getvalue())
            print(f"{counted(len(rows) - 1, 'prediction')} written to {visible(str(options.output))}", file=sys.stderr)
        else:
            table = text.getvalue()
            sys.stdout.write("\n".join(map(visible, table.split("\n"))) if sys.stdout.isatty() else table)
    except (ValueError, OSError) as error:
        raise CommandError(in_one_line(error)) from None
    return 0


def _check(notes: dict[str, Any], path: Path) -> None:
    """Refuse notes that `glassgrad train` did not write: files are edited by hand."""
    missing = {"task", "features", "target", "classes", "scaling"} - notes.keys()
    if missing:
        raise ValueError(f"{path} lacks {', '.join(sorted(missing))}: it was not saved by glassgrad train")
    classes, features = notes["classes"], notes["features"]
    right = {
        "task": notes["task"] == ("classification" if classes else "regression"),
        "features": _are_names(features) and features,
        "target": isinstance(notes["target"], str),
        "classes": _are_names(classes) and len(classes) != 1,
        "scaling": _is_scaling(notes["scaling"], len(features) if isinstance(features, list) else 0),
        "target_scaling": classes or _is_scaling(notes.get("target_scaling"), 1),
        "loss": isinstance(notes.get("loss", ""), str),
    }
    wrong = [name for name, good in right.items() if not good]
    if wrong:
        raise ValueError(f"{path}: what it says of {', '.join(wrong)} is not what glassgrad train wrote")


def _are_names(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(name, str) for name in found) and len(set(found)) == len(found)


def _is_scaling(found: Any, columns: int) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() == {"mean", "scale"}
        and all(
            isinstance(numbers, list)
            and len(numbers) == columns
            and all(type(x) in (int, float) and abs(x) < 1e308 for x in numbers)
            for numbers in found.values()
        )
        and min(found["scale"]) > 0
    )


def _classified(shares: Any, notes: dict[str, Any]) -> list[list[str]]:
    """A header, then for each row the class; with a cross-entropy also the probability of each class."""
    names = notes["classes"]
    told = notes.get("loss") != "hinge"  # a hinge's outputs are no log-odds
    header = [notes["target"], *(f"p({name})" for name in names if told)]
    return [header, *([names[int(row.argmax())], *(f"{p:.6g}" for p in row if told)] for row in shares)]
