"""`glassgrad compile`: the NumPy program that an expression, or a network written in scalars, secretly is."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ... import nn
from ...engine.compiler import CompileError, Program, compile
from ...engine.core.chain import topological_order
from ...engine.core.value import LEAF, Value
from ..walk.function import bound_arguments, by_name
from .errors import CommandError
from .expression import NEURON, add_arguments, evaluated, function_of, numbers, running

SETS = {"moons": [16, 16], "digits": [32]}
"""The data sets that can be named, and the hidden layers of the network that learns each."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command and its arguments."""
    parser.description = (
        "Compile scalar code into matrix steps; print the steps and the code that runs.\n"
        "moons and digits stand for one training example of a network on these data."
    )
    parser.epilog = (
        "examples:\n"
        f'  glassgrad compile "{NEURON[0]}" {NEURON[1]}\n'
        '  glassgrad compile "x*w + b" x=1 w=2 b=3 --backend numpy\n'
        "  glassgrad compile moons\n"
        "  glassgrad compile digits --no-source\n"
        "  glassgrad compile my_script.py:function x=2 y=3    # runs your file, after saying so"
    )
    add_arguments(parser, list(SETS))
    parser.add_argument(
        "--backend", choices=("auto", "numpy", "python", "numba"), default="auto", help="what code to make (auto)"
    )
    parser.add_argument("--no-source", action="store_true", help="print only the steps")


def run(options: argparse.Namespace) -> int:
    """Print the listing and the source."""
    try:
        program = _network(options) if options.expression in SETS else _expression(options)
    except CompileError as error:
        raise CommandError(str(error)) from None
    print(program)
    if not options.no_source:
        print(f"\n{program.source}", end="")
    return 0


def _expression(options: argparse.Namespace) -> Program:
    values, function = numbers(options), function_of(options)
    if function is None:
        result = evaluated(options)
        leaves = list(dict.fromkeys(v for v in result.names.values() if v.op == LEAF))  # "y = x" names one twice
        return compile(result.root, params=leaves, backend=options.backend)
    with running(options):
        bound = bound_arguments(function, values)
        given = {name: bound.arguments[name] for name in bound.signature.parameters if name in bound.arguments}
        bound.arguments.update({name: Value(x, name) for name, x in bound.arguments.items()})
        root = function(*bound.args, **bound.kwargs)
        order = topological_order(root) if isinstance(root, Value) else []
        outside = [v for v in order if v.op == LEAF and not any(v is x for x in bound.arguments.values())]
        traced = _by_position(function, bound.signature, list(given)) if bound.kwargs else function
        return compile(traced, tuple(given.values()), outside, backend=options.backend)


def _by_position(
    function: Callable[..., Any], signature: inspect.Signature, names: Sequence[str]
) -> Callable[..., Any]:
    """`function` with the parameters `names` alone, given by position as the compiler does."""
    call = by_name(function, signature)

    def positional(*inputs: Any) -> Any:
        return call(**dict(zip(names, inputs)))

    kept = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    positional.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]  # where inspect looks for it
    return positional


def _network(options: argparse.Namespace) -> Program:
    if options.values:
        raise CommandError(f"{options.expression} takes no numbers, got {options.values[0]!r}")
    outputs = {"moons": 1, "digits": 10}[options.expression]
    inputs = {"moons": 2, "digits": 64}[options.expression]
    model = nn.MLP(inputs, [*SETS[options.expression], outputs], activation="relu", seed=0)
    loss: Any = nn.binary_cross_entropy if outputs == 1 else nn.cross_entropy
    target: Any = 1.0 if outputs == 1 else [1.0] + [0.0] * (outputs - 1)
    example = ([0.5] * inputs, target)
    params = model.parameters()
    return compile(lambda x, y: loss(model(x), y), example=example, params=params, backend=options.backend)
