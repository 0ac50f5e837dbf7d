"""
Column types and expressions that Django has no name for.
"""

import re
from datetime import UTC, datetime

import pgtrigger
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, Func, Value

from consent.rules import Spans, bits_from_mask, mask_from_bits
from consent.rules.week import QUARTERS_PER_WEEK


_QUOTED = re.compile('"([^"]+)"')


class WeekMaskField(models.Field[int, int]):
    """
    A week of local quarter-hours: a whole number in Python, `bit(672)` in PostgreSQL.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002 - Django's signature
        return f"bit({QUARTERS_PER_WEEK})"

    def from_db_value(
        self,
        value: str | None,
        expression: Expression,  # noqa: ARG002 - Django's signature
        connection: BaseDatabaseWrapper,  # noqa: ARG002
    ) -> int | None:
        return None if value is None else mask_from_bits(value)

    def get_prep_value(self, value: int | None) -> str | None:
        return None if value is None else bits_from_mask(value)


class SpansField(models.Field[Spans, Spans]):
    """
    Spans of instants: sorted pairs in Python, `tstzmultirange` in PostgreSQL.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002 - Django's signature
        return "tstzmultirange"

    def from_db_value(
        self,
        value: str | None,
        expression: Expression,  # noqa: ARG002 - Django's signature
        connection: BaseDatabaseWrapper,  # noqa: ARG002
    ) -> Spans | None:
        return None if value is None else read_spans(value)

    def get_prep_value(self, value: Spans | None) -> str | None:
        if value is None:
            return None
        spans = ",".join(f'["{begin.isoformat()}","{end.isoformat()}")' for begin, end in value)
        return f"{{{spans}}}"


def read_spans(text: str) -> Spans:
    """
    Return the spans that PostgreSQL writes as `{["from","to"),…}`, in UTC.
    """
    instants = [datetime.fromisoformat(each).astimezone(UTC) for each in _QUOTED.findall(text)]
    return tuple(zip(instants[::2], instants[1::2], strict=True))


def one_vehicle() -> tuple[Expression, str]:
    """
    Return the part of an exclusion constraint that says "of the same vehicle".

    A range of one number overlaps exactly itself, so GiST can compare vehicles without
    the extension btree_gist, which the embedded PostgreSQL does not bring.
    """
    vehicle = Func(
        F("vehicle"), F("vehicle"), Value("[]"), function="int8range", output_field=models.Field()
    )
    return vehicle, RangeOperators.OVERLAPS


def never_emptied(name: str) -> pgtrigger.Trigger:
    """
    Return a trigger that refuses TRUNCATE, which triggers on rows do not see.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
        func="""
            RAISE EXCEPTION 'rows of % are kept', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        """,
    )
