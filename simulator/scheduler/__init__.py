"""
A stand-in fleet scheduler: an HTTP client of the public API.

It replays real charging sessions (cars that are parked and plugged in) and real
inference requests (work that arrives). Times inside are whole seconds since
1970 UTC, in names that end in ``_s``.
"""
