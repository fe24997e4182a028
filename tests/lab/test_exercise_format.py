"""The format of an exercise: what is missing is named, with its file and section; how a check tells what went wrong."""

from __future__ import annotations

import pytest

from glassgrad.engine.lab.check import MOST, STILL_OPEN, check
from glassgrad.engine.lab.exercise_file import FOLDER, FormatError, parse, parts

FILE = "01_slope_of_a_product.md"
TEXT = (FOLDER / FILE).read_text(encoding="utf-8")


def messages(tests: str, code: str) -> list[str]:
    """What each of these tests says of the code; "" if it passes."""
    checked = check(parse(TEXT, FILE)._replace(tests=tests), code)
    return [checked.problem] if checked.problem else [result.message for result in checked.results]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# The slope of a product\n", "", "must begin with '# title', an empty line, and 'Group N: topic'"),
        ("Group 1: ", "Group one: ", "'Group N: topic'"),
        ("## Hints", "## Tips", "the section '## Hints' is missing"),
        ("## Solution", "## Solution\n\n## More", "its sections are Statement, Start, Tests, Hints, Solution, More"),
        ("## Start\n\n```python", "## Start\n\n```", "Start: one block is needed that begins with ```python"),
        ("2. With", "With", "Hints: three hints are needed, a list numbered 1, 2 and 3"),
        ("### The slope is the value.", "The slope is the value.", "The slope by a is a.: one block is needed"),
        ("> slopes are swapped", "slopes are swapped", "one line that begins with '> ' says what the test must say"),
        (TEXT[TEXT.index("### The derivative") :], "", "at least three are needed, each under a heading"),
        (TEXT[TEXT.index("Let y") : TEXT.index("## Start")], "", "Statement: it is empty"),
    ],
)
def test_what_is_missing_is_named(old, new, message):
    assert old in TEXT
    with pytest.raises(FormatError) as caught:
        parse(TEXT.replace(old, new), FILE)
    assert str(caught.value).startswith(FILE)
    assert message in str(caught.value)


@pytest.mark.parametrize("file", ["slope.md", "1_slope.md", "01_Slope.md", "01_slope.txt"])
def test_the_name_of_the_file_is_number_and_name(file):
    with pytest.raises(FormatError, match=r"as in 07_fork\.md"):
        parse(TEXT, file)


def test_a_comment_in_code_is_no_heading():
    assert [heading for heading, _ in parts("## a\n```python\n## no\n```\n## b", 2)] == ["", "a", "b"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("a = 2\ndef f(:\n", "Python cannot read 01_slope_of_a_product.py: invalid syntax (line 2: def f(:)"),
        ("a = 1\nb = c", "NameError: name 'c' is not defined (line 2)"),
        ("pass", "your code does not define a"),
        ("a = ...", "a is still the ... of the start: put your answer in its place."),
        ("a = None", "a is None: is a return missing?"),
        ("a = 'x'", "a is the text 'x', and should be a number: write it without quotes."),
        ("a = '2'", "a is the text '2', and should be a number: write it without quotes."),
        ("a = True", "a is bool True, and should be a number."),
        ("import glassgrad as gg; a = gg.Value(2.0)", "a is a Value, and should be a plain number: take its .data."),
        ("a = 1 + ...", f"{STILL_OPEN} (line 1)"),
        ("a = [1]", "a is list [1], and should be a number."),
        ("raise SystemExit(3)", "SystemExit: 3 (line 1)"),
        ("assert 1 == 2, 'no'", "AssertionError: no (line 1)"),
        ("def f(): f()\nf()", "RecursionError: a function calls itself without end, or too deeply (line 1)"),
        ("float = 3\na = 5", "a is 5, and should be 2."),
        ("a = float('nan')", "a is nan, and should be 2."),
    ],
)
def test_what_went_wrong_is_told_with_the_line(code, message):
    assert messages("def test_a(): close(float(a) if type(a) is int else a, 2, 'a')", code) == [message]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("3", "v is int 3, and should be a list."),
        ("'ab'", "v is str 'ab', and should be a list."),
        ("None", "v is None: is a return missing?"),
        ("...", "v is still the ... of the start: put your answer in its place."),
        ("[1]", "v has 1 entry, and should have 2."),
        ("[1, None]", "v[1] is None: is a return missing?"),
        ("[2, 1]", "v is [2, 1], and should be [1, 2]. Swapped."),
        ("[2, 2]", "v is [2, 2], and should be [1, 2]."),
    ],
)
def test_lists_are_compared_entry_by_entry(given, message):
    assert messages("def test_v(): close(v, [1, 2], 'v', {(2, 1): 'Swapped.'})", f"v = {given}") == [message]


@pytest.mark.parametrize("given", ["np.float64(2)", "np.array(2)", "2", "True + 1", "Fraction(4, 2)"])
def test_any_number_is_one(given):
    code = f"from fractions import Fraction\nimport numpy as np\na = {given}"
    assert messages("def test_a(): close(a, 2, 'a')\ndef test_b(): close([a, 1], [2, 1], 'b')", code) == ["", ""]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("True", ""),
        ("np.bool_(True)", ""),
        ("False", "v is False, and should be True. Why."),
        ("1", "v is int 1, and should be True or False."),
        ("None", "v is None: is a return missing?"),
    ],
)
def test_yes_and_no_are_no_numbers(given, message):
    assert messages("def test_v(): close(v, True, 'v', 'Why.')", f"import numpy as np\nv = {given}") == [message]


EMPTY, LIBRARY, CHANGED = "still empty", "lets glassgrad do the work", "changes the list that it is given"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("...", EMPTY),
        ("pass", EMPTY),
        ("'a text'", EMPTY),
        ("return", EMPTY),
        ("return ...", EMPTY),
        ("return 12", "f is 12"),
        ("return 0", "f is 0"),
        ("return [x for x in v]", ""),
        ("import glassgrad as gg; return gg.Value(v[0]).data", LIBRARY),
        ("return list(map(gg.tanh, v))", LIBRARY),
        ("v[0] = 5.0; return v", CHANGED),
        ("v.sort(); return v", ""),  # nothing was moved
    ],
)
def test_who_wrote_it_is_asked(body, message):
    (told,) = messages(
        "def test_f():\n    got = by_hand(f, [1.0, 2.0])\n    assert got == [1.0, 2.0], f'f is {got}'",
        f"import glassgrad as gg\ndef f(v): {body}",
    )
    assert (message in told) if message else told == ""


def test_each_code_gets_numbers_of_its_own():
    drawn = [messages("def test_a(): assert False, f'{draw(1, 10**9)}'", f"a = {i}") for i in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_is_printed_is_kept_and_cut():
    exercise = parse(TEXT, FILE)._replace(tests="def test_a(): f()")
    (result,) = check(exercise, "def f(): print('x' * 99_999)").results
    assert result.passed
    assert result.printed == "x" * MOST + "…\n"


def test_a_rule_that_overwrites_is_told_where_its_steps_are_shown():
    code = """
import glassgrad as gg
a = gg.Value(3.0, "a")
y = gg.Value(6.0, (a,), "f")
def rule():
    a.grad = 2 * y.grad
y._backward = rule
"""
    exercise = parse(TEXT, FILE)._replace(tests="def test_y():\n    show(y)\n    assert False, 'no'")
    (result,) = check(exercise, code).results
    assert result.printed == "the rule of f = 6.0 overwrites the gradient of a: it must add to it, with +=\n"
