"""
Arrays as PostgreSQL writes them: one text each.

The driver would send a list as an expression of so many constants, which the server reads, folds
and plans one by one: for nine lists of five thousand that took as long as the work itself.
"""

from collections.abc import Iterable
from datetime import datetime


def write_array(values: Iterable[int | None]) -> str:
    """
    Return whole numbers, or yes and no, as an array.
    """
    return "{" + ",".join(["NULL" if each is None else str(each) for each in values]) + "}"


def write_instants(instants: Iterable[datetime | None]) -> str:
    """
    Return instants as an array; most of a batch are the same few.
    """
    texts: dict[datetime | None, str] = {None: "NULL"}
    found = []
    for instant in instants:
        text = texts.get(instant)
        if text is None:
            assert instant is not None, "known from the beginning"
            text = texts[instant] = f'"{instant.isoformat()}"'
        found.append(text)
    return "{" + ",".join(found) + "}"


def write_texts(texts: Iterable[str]) -> str:
    """
    Return any texts as an array.
    """
    quoted = [each.replace("\\", r"\\").replace('"', r"\"") for each in texts]
    return "{" + ",".join([f'"{each}"' for each in quoted]) + "}"
