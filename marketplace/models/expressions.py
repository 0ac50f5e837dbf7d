"""
Expressions that constraints of this app share.
"""

from django.db.models import BigIntegerField, Func, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Mod
from django.db.models.lookups import Exact


CODE_PATTERN = "^[a-z0-9][a-z0-9-]{0,31}$"
CURRENCY_PATTERN = "^[A-Z]{3}$"


def epoch_seconds(expression: Combinable) -> Func:
    """
    Return seconds since 1970 as a whole number.
    """
    return Func(
        expression,
        template="(EXTRACT(EPOCH FROM %(expressions)s))::bigint",
        output_field=BigIntegerField(),
    )


def is_multiple(expression: Combinable, *, of: int) -> Q:
    return Q(Exact(Mod(expression, Value(of)), Value(0)))


def is_on_the_hour(expression: Combinable) -> Q:
    return is_multiple(epoch_seconds(expression), of=3600)
