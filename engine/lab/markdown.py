"""Headings and code blocks of the Markdown files that exercises and questions are written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class FormatError(ValueError):
    """A file that is not written as it has to be; the message names the file and the section."""


def parts(text: str, level: int) -> Iterator[tuple[str, str]]:
    """What stands under each heading of one level; what stands before the first comes first, under "".

    Args:
        text: Markdown; a `#` inside a code block is no heading.
        level: 2 for `## …`.

    >>> list(parts("a\\n## one\\nb\\n### two\\nc", 2))
    [('', 'a'), ('one', 'b\\n### two\\nc')]
    """
    heading, lines, code = "", list[str](), False
    for line in text.split("\n"):
        code ^= line.startswith("```")
        if not code and line.startswith("#" * level + " "):
            yield heading, "\n".join(lines).strip("\n")
            heading, lines = line[level + 1 :].strip(), []
        else:
            lines.append(line)
    yield heading, "\n".join(lines).strip("\n")


def sections(text: str, names: Sequence[str], where: str) -> dict[str, str]:
    """The sections of a file, which are exactly `names`, in this order.

    Raises:
        FormatError: if one is missing, too many, or out of order; `where` is what the message calls the file.
    """
    found = [(heading, body) for heading, body in parts(text, 2) if heading]
    headings = [heading for heading, _ in found]
    for name in names:
        if name not in headings:
            raise FormatError(f"{where}: the section '## {name}' is missing")
    if headings != list(names):
        raise FormatError(f"{where}: its sections are {', '.join(headings)}; they must be {', '.join(names)}")
    return dict(found)


def code(text: str, where: str) -> tuple[str, str]:
    """The one Python block of a section, and the text around it.

    Raises:
        FormatError: if there is none, or more than one.
    """
    before, opening, rest = f"\n{text}\n".partition("\n```python\n")
    block, closing, after = f"\n{rest}".partition("\n```\n")
    if not opening or not closing or "```" in after:
        raise FormatError(f"{where}: one block is needed that begins with ```python and ends with ```")
    return block.lstrip("\n") + "\n", f"{before.strip()}\n{after.strip()}".strip()
