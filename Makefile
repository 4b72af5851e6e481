# The front door. CMake does the work; every target here is one or two commands that a person can
# also type. `make help` lists them.

PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# For ctest, for example TEST_ARGS='-L unit'
TEST_ARGS ?=
# For tools/check.sh, for example CHECK_ARGS='--recent 3'
CHECK_ARGS ?=
# OpenVINO's threading library must not load its helper under a sanitizer.
export TBB_ENABLE_SANITIZERS := 1
VISAVIS := build/release/bin/visavis
.DEFAULT_GOAL := help

.PHONY: help
help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | \
	  awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Installs what is missing (root) and fetches runtimes and SQLite's sources
	@tools/setup.sh

.PHONY: build
build: setup ## Builds build/release/bin/visavis (PRESET=dev|tsan|minimal for another)
	@mkdir -p build && cmake --preset $(PRESET) > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build --preset $(PRESET) -j $(JOBS)

.PHONY: demo
demo: build ## Finds and recognises people in real photographs, writes build/demo/identified/
	@tools/demo.sh $(VISAVIS)

.PHONY: models
models: build ## Fetches the default models
	@$(VISAVIS) models fetch

.PHONY: web
web: ## Builds the web page that `visavis serve` shows
	@cd apps/web && npm ci --no-audit --no-fund --loglevel error && npm run --silent build

.PHONY: photos
photos: setup ## Fetches the public photographs of the demo and the tests
	@tools/fetch_photos.sh

.PHONY: test
test: build photos ## Builds and runs the whole default test suite
	@build/$(PRESET)/bin/visavis models fetch
	@ctest --preset $(PRESET) -j $(JOBS) $(TEST_ARGS)

.PHONY: check
check: ## Formatting, clang-tidy, self-contained headers, layering
	@tools/setup.sh --check-tools
	@tools/check.sh $(CHECK_ARGS)

.PHONY: fuzz
fuzz: ## Runs every fuzz target for FUZZ_SECONDS (60) on its committed corpus
	@tools/setup.sh --check-tools
	@tools/fuzz.sh

.PHONY: bench
bench: models photos ## Measures every stage on this machine, writes build/bench/bench.json
	@bench/run.py $(VISAVIS)

.PHONY: bench-peers
bench-peers: setup ## Makes the virtual environment in which other projects run beside ours
	@bench/peers/make_venv.sh

.PHONY: accuracy
accuracy: models ## Measures every recogniser and writes docs/accuracy.md (an hour; needs the LFW photographs)
	@tools/accuracy.sh $(VISAVIS)

.PHONY: install
install: build ## Installs under PREFIX (/usr/local)
	@cmake --install build/release --prefix $(PREFIX)

.PHONY: clean
clean: ## Removes build/
	@rm -rf build
