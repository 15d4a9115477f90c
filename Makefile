# SPDX-License-Identifier: Apache-2.0
#
# The face of the build. Meson and Ninja do the work; scripts/ hold what is longer than a line.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
UNIT_DIR ?= /usr/lib/systemd/system

.DEFAULT_GOAL := help
.PHONY: help run build test bench lint lint-tidy format fuzz sim coverage install clean

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: build ## install what is needed, build, and start a development server on 127.0.0.1:8080
	@exec $(BUILD)/postern serve --dev --data ./var

build: ## build/postern, optimized and hardened
	@scripts/bootstrap build
	@scripts/npm-modules web
	@scripts/configure $(BUILD) -Dtests=disabled --prefix '$(PREFIX)'
	@ninja -C $(BUILD)

test: ## everything that CI runs, on SQLite and PostgreSQL
	@scripts/bootstrap test
	@scripts/npm-modules web
	@scripts/test

bench: build ## figures of this machine, beside the bare floors
	@scripts/bootstrap bench
	@bench/run $(BENCH_ARGS)

lint: ## format, cppcheck and the house rules (lint-tidy adds the slow clang-tidy)
	@scripts/bootstrap test
	@scripts/test lint

lint-tidy: ## clang-tidy and gcc -fanalyzer over all of src/
	@scripts/bootstrap test
	@scripts/lint tidy analyzer

format: ## clang-format, in place
	@scripts/lint format-fix

fuzz: ## each fuzz target for FUZZ_SECONDS (60), beginning with its stored corpus
	@scripts/bootstrap test
	@scripts/fuzz

sim: ## the simulator, SIM_SEEDS seeds (default 200)
	@scripts/bootstrap test
	@scripts/test sim

coverage: ## lines reached by the unit and store tests, by file: build-coverage/index.html
	@scripts/bootstrap test
	@scripts/coverage

install: build ## PREFIX (/usr/local), DESTDIR, UNIT_DIR for the systemd unit
	@scripts/install '$(BUILD)' '$(DESTDIR)' '$(PREFIX)' '$(UNIT_DIR)'

clean: ## remove what was built; keeps ./var
	rm -rf $(BUILD) build-asan build-tsan build-fuzz build-coverage build-analyzer
