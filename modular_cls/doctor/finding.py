"""What was looked at, and what came out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        topic: What was looked at, in a word or two.
        lines: What was found.
        wrong: Whether something that is always needed is missing or does not work.
    """

    topic: str
    lines: list[str]
    wrong: bool = False
