# SPDX-License-Identifier: BSD-2-Clause
# The habitual names. The build itself is meson's; make test and make demo work on a bare machine too.
BUILD = build
PREFIX = /usr/local
DESTDIR =
QUALITY_SETS = $(FOVEA_TEST_DATA)

SETUP = set -e; . tools/setup.sh

all:
	@$(SETUP); require "$$build_needs"; configure $(BUILD); compile $(BUILD)

# Install what building and testing need (apt), or say which packages that are.
deps:
	@$(SETUP); require "$$build_needs $$test_needs" "$$extra_needs"; say "Everything is there."

demo:
	./demo.sh $(PHOTO)

test:
	./test.sh

# The library beside others, which are installed for it, then the library's parts; see docs/speed.md.
bench:
	bench/peers.sh -b $(BUILD) --json $(BUILD)/bench.json --markdown $(BUILD)/bench.md --plot $(BUILD)/bench.svg
	meson test -C $(BUILD) --no-rebuild --benchmark -v

# Tables and curves of docs/quality.md, from the evaluation pictures in QUALITY_SETS (Set5, Set14, BSD100, Large).
quality:
	bench/quality.py --fovea $(BUILD)/fovea $(QUALITY_SETS)

install:
	@$(SETUP); configure $(BUILD) -Dprefix=$(PREFIX); compile $(BUILD)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

# Format the sources, as the style tests want them.
format:
	python3 tools/check_format.py --fix

clean:
	rm -rf build build-asan build-clang

.PHONY: all deps demo test bench quality install format clean
