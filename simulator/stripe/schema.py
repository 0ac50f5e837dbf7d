"""
Checks against the types that stripe-python ships.

Requests are read by the ``stripe.params`` typed dictionaries: a parameter that
the library does not know is refused as Stripe refuses it. Answers are compared
with the annotations of the resource classes.
"""

from __future__ import annotations

import functools
import re
import sys
import types
import typing
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe
import typing_extensions
from stripe import _request_options, _stripe_object
from stripe.v2 import ListObject as ListObjectV2

from simulator.stripe.errors import ApiError, Json, refused_parameter


_OPTION_KEYS = frozenset(_request_options.RequestOptions.__annotations__)
_NOT_REQUIRED = str(typing_extensions.NotRequired)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_PLAIN = (int, str, bool, float)
_BOOLEANS = {"true": True, "false": False}


class _Names(dict[str, Any]):
    """Names for evaluating an annotation: its own module's, then the library's."""

    def __missing__(self, name: str) -> object:
        for module in (typing, typing_extensions, stripe):
            if hasattr(module, name):
                return getattr(module, name)
        raise KeyError(name)


def _resolve(annotation: object, module: str) -> Any:  # noqa: ANN401
    text = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
    if isinstance(text, str):
        names = _Names(vars(sys.modules[module]))
        # The text comes from the installed library, never from a request.
        return eval(text, {"__builtins__": {}}, _Builtin(names))  # noqa: S307
    return annotation


class _Builtin(_Names):
    def __missing__(self, name: str) -> object:
        builtin = {"str": str, "int": int, "bool": bool, "float": float, "object": object}
        return builtin[name] if name in builtin else super().__missing__(name)


@functools.cache
def _parameters(params: type) -> dict[str, tuple[Any, bool]]:
    """Return each parameter's type and whether it is required."""
    found = {}
    for name, annotation in params.__annotations__.items():
        if name in _OPTION_KEYS:
            continue
        is_required = str(get_origin(annotation)) != _NOT_REQUIRED
        kind = annotation if is_required else get_args(annotation)[0]
        found[name] = (_resolve(kind, params.__module__), is_required)
    return found


def parse_params(*, params: type | None, values: Json, is_json: bool) -> Json:
    """
    Return the values with their leaves typed.

    :raises ApiError: 400 ``parameter_unknown``, ``parameter_missing`` or
        ``parameter_invalid…``, naming the parameter.
    """
    if params is None:
        if values:
            _refuse_unknown(min(values))
        return {}
    return _parse_dict(params, values, path="", is_json=is_json)


def _refuse_unknown(path: str) -> typing.NoReturn:
    raise refused_parameter(
        message=f"Received unknown parameter: {path}", code="parameter_unknown", param=path
    )


def _parse_dict(params: type, values: Json, *, path: str, is_json: bool) -> Json:
    known = _parameters(params)
    result = {}
    for name, value in values.items():
        here = f"{path}[{name}]" if path else name
        if name not in known:
            _refuse_unknown(here)
        result[name] = _parse(
            known[name][0], value, path=here, module=params.__module__, is_json=is_json
        )
    for name, (_, is_required) in known.items():
        if is_required and name not in values:
            here = f"{path}[{name}]" if path else name
            raise refused_parameter(
                message=f"Missing required param: {here}.", code="parameter_missing", param=here
            )
    return result


def _parse(kind: Any, value: object, *, path: str, module: str, is_json: bool) -> Any:  # noqa: ANN401
    kind = _resolve(kind, module)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _parse_union(kind, value, path=path, module=module, is_json=is_json)
    if origin is Literal:
        return _parse_choice(get_args(kind), value, path=path)
    if origin is list:
        return _parse_list(get_args(kind)[0], value, path=path, module=module, is_json=is_json)
    if typing_extensions.is_typeddict(kind):
        if not isinstance(value, dict):
            raise _invalid("hash", path)
        return _parse_dict(kind, value, path=path, is_json=is_json)
    if _is_free_form(kind, origin):
        if not isinstance(value, dict):
            raise _invalid("hash", path)
        return value
    return _parse_leaf(kind, value, path=path, is_json=is_json)


def _is_free_form(kind: object, origin: object) -> bool:
    candidate = origin or kind
    return candidate is dict or (
        isinstance(candidate, type) and issubclass(candidate, _stripe_object.StripeObject)
    )


def _parse_union(kind: Any, value: object, *, path: str, module: str, is_json: bool) -> Any:  # noqa: ANN401
    members = [_resolve(member, module) for member in get_args(kind)]
    if value is None and type(None) in members:
        return None
    choices = [member for member in members if get_origin(member) is Literal]
    # An "open" enum admits str so that old clients survive new values. A request
    # made today must still name a value of today.
    if choices and isinstance(value, str) and set(members) <= {*choices, str}:
        return _parse_choice(get_args(choices[0]), value, path=path)
    failure: ApiError | None = None
    for member in members:
        try:
            return _parse(member, value, path=path, module=module, is_json=is_json)
        except ApiError as error:
            failure = error
    assert failure is not None
    raise failure


def _parse_choice(choices: tuple[Any, ...], value: object, *, path: str) -> object:
    if value in choices:
        return value
    named = ", ".join(map(str, choices[:12]))
    raise refused_parameter(
        message=f"Invalid {path}: must be one of {named}", code="parameter_invalid", param=path
    )


def _parse_list(kind: Any, value: object, *, path: str, module: str, is_json: bool) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        raise _invalid("array", path)
    return [
        _parse(kind, item, path=f"{path}[{index}]", module=module, is_json=is_json)
        for index, item in enumerate(value)
    ]


def _invalid(expected: str, path: str) -> ApiError:
    return refused_parameter(
        message=f"Invalid {expected}: {path}", code=f"parameter_invalid_{expected}", param=path
    )


def _parse_leaf(kind: object, value: object, *, path: str, is_json: bool) -> object:
    if isinstance(value, dict | list):
        raise _invalid(getattr(kind, "__name__", "value"), path)
    if kind is bool:
        found = value if is_json and isinstance(value, bool) else _BOOLEANS.get(str(value))
        if found is None:
            raise _invalid("boolean", path)
        return found
    if kind is int:
        is_whole = isinstance(value, int) and not isinstance(value, bool) if is_json else False
        if not is_whole and not (isinstance(value, str) and _INTEGER.fullmatch(value)):
            raise _invalid("integer", path)
        return int(str(value))
    if kind is str and not isinstance(value, str):
        raise _invalid("string", path)
    return value


# Answers ------------------------------------------------------------------


@functools.cache
def _fields(resource: type) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for base in reversed(resource.__mro__):
        if base is _stripe_object.StripeObject or not base.__module__.startswith("stripe"):
            continue
        for name, annotation in vars(base).get("__annotations__", {}).items():
            text = str(annotation)
            if name.startswith("_") or "ClassVar" in text or base.__name__.endswith("Resource"):
                continue
            fields[name] = _resolve(annotation, base.__module__)
    return fields


def find_mismatches(*, resource: Any, value: object, path: str = "$") -> list[str]:  # noqa: ANN401
    """Return where an answer departs from the library's annotations."""
    return list(_compare(resource, value, path, "stripe"))


def _compare(kind: Any, value: object, path: str, module: str) -> typing.Iterator[str]:  # noqa: ANN401
    kind = _resolve(kind, module)
    origin = get_origin(kind)
    if kind is Any or isinstance(kind, typing.TypeVar):
        return
    if origin in (Union, types.UnionType):
        yield from _compare_union(kind, value, path, module)
    elif origin is list:
        yield from _compare_list(get_args(kind)[0], value, path, module)
    elif origin is Literal or kind in _PLAIN:
        yield from _compare_leaf(kind, value, path)
    else:
        yield from _compare_compound(kind, value, path, module)


def _compare_leaf(kind: Any, value: object, path: str) -> typing.Iterator[str]:  # noqa: ANN401
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            yield f"{path}: {value!r} is not one of the values of the library"
    elif not _is_instance(value, kind):
        yield f"{path}: {value!r} is not {kind}"


def _compare_compound(kind: Any, value: object, path: str, module: str) -> typing.Iterator[str]:  # noqa: ANN401
    origin = get_origin(kind)
    if (origin or kind) in (stripe.ListObject, ListObjectV2):
        yield from _compare_page(kind, value, path, module)
    elif (origin or kind) is _stripe_object.UntypedStripeObject or origin is dict:
        if not isinstance(value, dict):
            yield f"{path}: a mapping is due"
    elif isinstance(kind, type) and issubclass(kind, _stripe_object.StripeObject):
        yield from _compare_object(kind, value, path)


def _compare_union(kind: Any, value: object, path: str, module: str) -> typing.Iterator[str]:  # noqa: ANN401
    best: list[str] | None = None
    for member in get_args(kind):
        if member is type(None):
            found = [] if value is None else [f"{path}: not null"]
        else:
            found = list(_compare(member, value, path, module))
        if not found:
            return
        # The deepest complaint is the useful one: a str is offered for most objects.
        best = found if best is None or isinstance(value, dict) else best
    yield from best or []


def _compare_list(kind: Any, value: object, path: str, module: str) -> typing.Iterator[str]:  # noqa: ANN401
    if not isinstance(value, list):
        yield f"{path}: a list is due"
        return
    for index, item in enumerate(value):
        yield from _compare(kind, item, f"{path}[{index}]", module)


def _compare_page(kind: Any, value: object, path: str, module: str) -> typing.Iterator[str]:  # noqa: ANN401
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        yield f"{path}: a page of objects is due"
        return
    keys = (
        {"data", "next_page_url", "previous_page_url"}
        if get_origin(kind) is ListObjectV2
        else {"object", "data", "has_more", "url"}
    )
    if set(value) != keys:
        yield f"{path}: a page has {sorted(keys)}, not {sorted(value)}"
    members = get_args(kind) or (Any,)
    yield from _compare_list(members[0], value["data"], f"{path}.data", module)


def _compare_object(kind: type, value: object, path: str) -> typing.Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {kind.__name__} is due, not {value!r}"
        return
    fields = _fields(kind)
    for name in value.keys() - fields.keys():
        yield f"{path}.{name}: unknown to {kind.__qualname__}"
    for name, annotation in fields.items():
        if name in value:
            yield from _compare(annotation, value[name], f"{path}.{name}", kind.__module__)
        elif type(None) not in get_args(annotation):
            yield f"{path}.{name}: missing from {kind.__qualname__}"


def _is_instance(value: object, kind: Any) -> bool:  # noqa: ANN401
    if kind in (int, float) and isinstance(value, bool):
        return False
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind) if isinstance(kind, type) else True
