"""The questions, and their answers, which are run: what is printed is computed on the spot.

They are data (`questions.md`): the code of an answer is a small program, and never imported.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from ..choices import meant
from .exercise_file import FormatError, code, parts

FILE: Final = Path(__file__).with_name("questions.md")


class Question(NamedTuple):
    """One question.

    Attributes:
        number: from 1.
        name: one word.
        text: the question.
        code: a program that shows what happens.
        why: the answer in a sentence.
        play: the command to go on with.
    """

    number: int
    name: str
    text: str
    code: str
    why: str
    play: str


def parse(text: str, file: str) -> list[Question]:
    """The questions of a Markdown file.

    Raises:
        FormatError: naming the file and the question in which something is missing.
    """
    found: list[Question] = []
    for name, body in parts(text, 2):
        if not name:
            continue
        block, around = code(body, f"{file}, {name}")
        said = [" ".join(part.split()) for part in around.split("\n") if part.strip()]
        if len(said) != 3 or not said[0].endswith("?") or not said[2].startswith("Play: "):
            raise FormatError(
                f"{file}, {name}: before the code a question that ends with ?, after it a line that says why, and one "
                "that begins with 'Play: '"
            )
        found.append(Question(len(found) + 1, name, said[0], block, said[1], said[2][len("Play: ") :]))
    return found


@cache
def questions() -> Sequence[Question]:
    """All of them.

    >>> len(questions()), questions()[1].text
    (15, 'Why topological order, and not just recursion?')
    """
    return parse(FILE.read_text(encoding="utf-8"), FILE.name)


def find(text: str) -> Question:
    """The question with this number or name, or the only one in which the word stands.

    Raises:
        ValueError: if there is none, or more than one; it says which there are.

    >>> find("2").name, find("topological").name
    ('order', 'order')
    """
    every = questions()
    for question in every:
        if text == question.name or (text.isdecimal() and int(text) == question.number):
            return question
    saying = [question for question in every if text.lower() in question.text.lower()]
    if len(saying) == 1:
        return saying[0]
    names = [question.name for question in every]
    hint = meant(text, names)
    if 0 < len(saying) < 5:
        hint = f", did you mean {' or '.join(question.name for question in saying)}?"
    raise ValueError(f"there is no question {text!r}{hint} (they are {', '.join(names)}, or 1 to {len(names)})")


def answer(question: Question) -> str:
    """What the program of a question prints.

    Raises:
        ModuleNotFoundError: if it needs NumPy, and there is none.
    """
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(question.code, question.name, "exec"), {"__name__": question.name})  # noqa: S102  # our own data
    return printed.getvalue()
