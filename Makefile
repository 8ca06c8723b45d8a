# `make up` and `make test` do all their set-up themselves; see README.md.
PYTHON ?= python3
VENV := .venv/bin

.PHONY: up test tour lint format setup setup-dev clean

up: setup
	$(VENV)/caretier up

test: setup-dev
	$(VENV)/python -m pytest -n 2 --dist loadgroup

# Takes the pictures of infra/tour anew, of the pages as they are.
tour: setup-dev
	CARETIER_TOUR=make $(VENV)/python -m pytest -q -p no:randomly tests/browser/tour

lint: setup-dev
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/caretier compliance cards check
	$(VENV)/pip-audit --skip-editable --progress-spinner off

format: setup-dev
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

setup:
	@$(PYTHON) infra/setup.py

setup-dev:
	@$(PYTHON) infra/setup.py --dev

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache
