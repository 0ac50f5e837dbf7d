"""
The demo world of `manage.py up`: 97 owners, two buyers, a finance team.

Made through the same operations that people use, with the clock passed in. Every step
first looks whether it was done before, so that an interrupted load is simply run again.
"""
