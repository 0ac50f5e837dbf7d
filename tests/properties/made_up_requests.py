"""
Requests made up from nothing but the OpenAPI document, as a stranger's tool makes them up.
"""

import json
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st

from tests.matrix.world import Matrix
from tests.properties.bent_requests import KEYS, Case, Operation, choose_key


@lru_cache
def read_schema() -> Any:
    """
    Return the description of the API that clients get.
    """
    described = SchemaGenerator().get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    return schemathesis.openapi.from_dict(described)


@lru_cache
def made_up_by_tool(operation: Operation) -> Any:
    return read_schema()[operation.path][operation.method.upper()].as_strategy()


@st.composite
def made_up_requests(draw: st.DrawFn, operation: Operation, matrix: Matrix) -> Case:
    """
    Return what the document allows, with the key of anybody, or most often of who may.
    """
    given = draw(made_up_by_tool(operation))
    headers = {name: str(value) for name, value in (given.headers or {}).items()}
    headers |= {"Content-Type": given.media_type or "", "Authorization": ""}
    key = draw(st.sampled_from((choose_key(operation), *KEYS)))
    if key:
        headers["Authorization"] = f"Bearer {matrix.secrets[key]}"
    has_body = not isinstance(given.body, schemathesis.core.NotSet)
    return Case(
        method=operation.method,
        path=unquote(given.formatted_path),
        query=[(name, str(value)) for name, value in (given.query or {}).items()],
        body=json.dumps(given.body).encode() if has_body else b"",
        headers=headers,
    )
