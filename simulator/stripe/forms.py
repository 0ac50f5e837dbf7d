"""
Stripe's v1 wire format: bracketed form keys such as ``metadata[run]=7``.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from simulator.stripe.errors import Json, refused_parameter


_PART = re.compile(r"\[([^\[\]]*)\]")


def decode_form(text: str) -> Json:
    """Return nested dicts of strings; lists come from ``[]`` and ``[0]`` keys."""
    tree: Json = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        name = key.split("[", 1)[0]
        _put(tree, path=[name, *_PART.findall(key[len(name) :])], value=value, key=key)
    return {name: _to_lists(node) for name, node in tree.items()}


def _put(tree: Json, *, path: list[str], value: str, key: str) -> None:
    node = tree
    for part in path[:-1]:
        node = node.setdefault(part or str(len(node)), {})
        if not isinstance(node, dict):
            raise refused_parameter(
                message=f"Invalid parameter: {key}", code="parameter_invalid", param=key
            )
    last = path[-1] or str(len(node))
    node[last] = value


def _to_lists(node: object) -> object:
    if not isinstance(node, dict):
        return node
    values = {name: _to_lists(child) for name, child in node.items()}
    if values and all(name.isdigit() for name in values):
        return [values[name] for name in sorted(values, key=int)]
    return values
