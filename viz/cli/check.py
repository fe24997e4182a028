"""`glassgrad check`: the gradient of an expression against derivatives found without backpropagation."""

from __future__ import annotations

import argparse

from ...engine.core.value import LEAF
from ...engine.proof.gradcheck import gradcheck
from ..walk.function import bound_arguments, by_name
from .expression import NEURON, add_arguments, evaluated, function_of, numbers, running
from .process import output_width


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "Check the gradient of an expression: the slope of each op against the complex step of its formula, and the\n"
        "chain rule by adding up all contributions once more, and then by NumPy; of a function of yours also that its\n"
        "graph is all it does. What is wrong is named: op, operand, line and mistake.\n"
        "Exit status 1 if a derivative is wrong, or nothing can tell whether it is."
    )
    parser.epilog = (
        "examples:\n"
        f'  glassgrad check "{NEURON[0]}" {NEURON[1]}\n'
        '  glassgrad check "x**y / sin(x)" x=1.5 y=2 --second-order\n'
        '  glassgrad check "relu(x)" x=0        # a kink: either side has its own derivative\n'
        "  glassgrad check my_script.py:function x=2 y=3    # runs your file, after saying so"
    )
    add_arguments(parser)
    parser.add_argument("--second-order", action="store_true", help="check all second derivatives, too")


def run(options: argparse.Namespace) -> int:
    """Print the report."""
    values, function = numbers(options), function_of(options)
    if function is None:
        result = evaluated(options)
        leaves = list(dict.fromkeys(v for v in result.names.values() if v.op == LEAF))  # "y = x" names one twice
        report = gradcheck(result.root, leaves, second_order=options.second_order)
    else:
        with running(options):
            bound = bound_arguments(function, values)
            report = gradcheck(by_name(function, bound.signature), bound.arguments, second_order=options.second_order)
    print(report.table.text(output_width()))
    return 0 if report.ok else 1
