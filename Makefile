# Aliases only: a bare machine has no make, and python3 manage.py does everything.
.PHONY: help run up test lint bench screenshots messages requirements

help:
	@grep -E '^[a-z]+:' Makefile

up run:
	python3 manage.py up

test:
	python3 manage.py test

lint:
	python3 manage.py lint

bench:
	python3 manage.py bench

# From a demo that runs now (python3 manage.py up).
screenshots:
	python3 manage.py take_screenshots

# Needs GNU gettext; running Parado never does: the compiled texts are kept beside the others.
messages:
	python3 manage.py makemessages -l en -l pt --no-wrap --no-location --no-obsolete --ignore var --ignore .venv --ignore static --ignore tests
	python3 manage.py compilemessages --ignore var --ignore .venv

# Needs uv (https://docs.astral.sh/uv/); running Parado never does.
requirements:
	uv pip compile -q pyproject.toml --generate-hashes --python-version 3.11 --universal -o requirements.txt
	uv pip compile -q pyproject.toml --extra dev --generate-hashes --python-version 3.11 --universal -c requirements.txt -o requirements-dev.txt
