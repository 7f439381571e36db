# Each recipe is a line that could be typed. No target needs another one run before it.
# Paths are relative, so that the checkout may lie in a folder whose name has a space.

export PIP_CONSTRAINT := deploy/constraints.txt
export PIP_BUILD_CONSTRAINT := deploy/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# An environment that happens to be active, and its paths, are none of ours.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: help install demo run test test-fresh test-faults check bench kafka-up kafka-down topics clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

install: build/.installed ## make .venv with everything in it

demo: build/.installed ## one simulated week of 200 people on a real Kafka, and the alerts it brings
	.venv/bin/python -I deploy/demo/demo

run: build/.installed ## the worker, on the broker of kafka-up or of VIGIL_KAFKA_BOOTSTRAP
	.venv/bin/vigil run

test: check ## check, then every test
	.venv/bin/python -m pytest

test-fresh: build/.installed ## the README's commands in a new copy of the tree (minutes)
	.venv/bin/python -m pytest -m fresh tests/deploy/test_readme_commands.py

test-faults: build/.installed ## workers killed, stopped and torn apart on a real Kafka, by every way known (half an hour)
	.venv/bin/python -m tests.simulation 5000
	.venv/bin/python -m tests.simulation 200 rules
	.venv/bin/python -m pytest -m faults -s tests/faults

check: build/.installed ## ruff, mypy, yamllint, shell syntax
	.venv/bin/python -m ruff check .
	.venv/bin/python -m mypy schemas geofence detectors stream tests deploy/kafka/kafka deploy/demo
	.venv/bin/python -m mypy deploy/demo/demo
	.venv/bin/python -m yamllint --strict --config-file deploy/yamllint.yaml deploy
	sh -n deploy/preflight
	bash -n .ci/run

bench: build/.installed ## measure this machine, write build/bench.json
	.venv/bin/python -m tests.bench

kafka-up: build/.installed ## start one Kafka node on loopback, or find the one that runs
	.venv/bin/python -I deploy/kafka/kafka up

kafka-down: build/.installed ## end it
	.venv/bin/python -I deploy/kafka/kafka down

topics: build/.installed ## create the topics that are missing
	.venv/bin/vigil topics apply

clean: ## end our Kafka, then delete .venv, build and caches
	if [ -e build/kafka ]; then python3 -I deploy/kafka/kafka down; fi
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

build/.installed: pyproject.toml deploy/constraints.txt
	python=$$(deploy/preflight) && "$$python" -I -m venv .venv
	.venv/bin/python -m pip install --quiet --editable ".[test]"
	mkdir -p build && touch build/.installed
