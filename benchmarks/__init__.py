"""
Figures that Parado promises, each measured beside its raw limit in the same run.

A benchmark is a module that runs by `python3 -m benchmarks.NAME`: it prints its figures, the
ratio to the raw limit and the goal, and exits with 1 when a goal was missed. `make bench` runs
all of them, each on a freshly migrated database of its own (DATABASE_URL);
`python3 manage.py bench decide` runs those whose name holds the word.
"""
