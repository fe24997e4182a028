"""`glassgrad predict`: apply a network that `glassgrad train` saved to the rows of a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from ...nn.data import Standardisation, csv_columns, read_csv
from ...nn.files import load_with_notes
from ...nn.prediction import predict, predict_proba
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
    try:
        model, notes = load_with_notes(options.network)
        missing = {"task", "features", "target", "classes", "scaling"} - notes.keys()
        if missing:
            raise ValueError(
                f"{options.network} lacks {', '.join(sorted(missing))}: it was not saved by glassgrad train"
            )
        data = read_csv(options.points, features=notes["features"])
        unused = [name for name in csv_columns(options.points) if name not in notes["features"]]
        if unused:
            print(f"columns not used: {', '.join(unused)}", file=sys.stderr)
        scaled = Standardisation(**notes["scaling"]).apply(data.inputs)
        if notes["task"] == "classification":
            rows = _classified(predict_proba(model, scaled), notes)
        else:
            scaling = Standardisation(**notes["target_scaling"])
            numbers = predict(model, scaled, "regression") * scaling.scale[0] + scaling.mean[0]
            rows = [[notes["target"]], *([repr(float(x))] for x in numbers)]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        if options.output:
            options.output.write_text(text.getvalue(), encoding="utf-8")
            print(f"{len(rows) - 1} predictions written to {options.output}", file=sys.stderr)
        else:
            sys.stdout.write(text.getvalue())
    except (ValueError, OSError) as error:
        raise CommandError(in_one_line(error)) from None
    return 0


def _classified(shares: Any, notes: dict[str, Any]) -> list[list[str]]:
    """A header, then for each row the class; with a cross-entropy also the probability of each class."""
    names = notes["classes"]
    told = notes.get("loss") != "hinge"  # a hinge's outputs are no log-odds
    header = [notes["target"], *(f"p({name})" for name in names if told)]
    return [header, *([names[int(row.argmax())], *(f"{p:.6g}" for p in row if told)] for row in shares)]
