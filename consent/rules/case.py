"""
What every check looks at, and the spans of time that all of them share.
"""

from datetime import datetime, timedelta

from consent.rules.terms import Rules, State, Use, Workload, value


# `web.limits` names these two for people; rules import nothing outside themselves, and a
# test holds both places equal.
LEASE_S = 60
TELEMETRY_STALE_S = 300
# A job that may finish has this long; what runs longer than an evening is no job to be finished.
GRACE_FINISH_S_MAX = 4 * 3600
LEASE = timedelta(seconds=LEASE_S)
TELEMETRY_STALE = timedelta(seconds=TELEMETRY_STALE_S)


@value
class Case:
    """
    All that a check may look at. `local` is `now` on the owner's wall clock, `quarter` its
    quarter of the week.
    """

    rules: Rules
    state: State
    use: Use
    workload: Workload
    now: datetime
    local: datetime
    quarter: int
