# SPDX-License-Identifier: MIT
# Tests. Host programs are named by unit_NAME_SRCS (with unit_NAME_CFLAGS and unit_NAME_LIBS when they need
# more). Board tests are folders tests/board/NAME with image.c, the firmware, and test.c, which boots it.

include $(wildcard tests/unit/*.mk)

unit_NAMES := $(patsubst unit_%_SRCS,%,$(filter unit_%_SRCS,$(.VARIABLES)))
unit_PROGRAMS := $(addprefix build/tests/unit-,$(unit_NAMES))
UNIT_FLAGS := -std=gnu11 -O1 -g $(WARNINGS) -D_GNU_SOURCE -I. -Iinclude
HEADERS := $(wildcard include/weft/*.h arch/*.h kernel/*.h sched/*.h mem/*.h prof/*.h tests/unit/*.h tests/unit/*/*.h tools/weft/*.h examples/*/*.h)

.SECONDEXPANSION:
$(unit_PROGRAMS): build/tests/unit-%: $$(unit_%_SRCS) $$(unit_%_DEPS) $(HEADERS)
	$(call say,UNIT,$*)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(UNIT_FLAGS) $(unit_$*_CFLAGS) -o $@ $(unit_$*_SRCS) $(unit_$*_LIBS) -lcriterion -lpthread

board_tests := $(patsubst tests/board/%/image.c,%,$(wildcard tests/board/*/image.c))
$(foreach t,$(board_tests),$(eval $(call image,tests/$(t),$(wildcard tests/board/$(t)/*.S) $(filter-out %/test.c,$(wildcard tests/board/$(t)/*.c)))))
board_IMAGES := $(patsubst %,$(B)/tests/%.elf,$(board_tests))
board_PROGRAM := build/tests/board

$(board_PROGRAM): tests/board/harness.c $(wildcard tests/board/*/test.c) tests/board/harness.h $(weft_tool_OBJS) $(HEADERS)
	$(call say,UNIT,board)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(UNIT_FLAGS) $(weft_tool_CPPFLAGS) -o $@ $(filter %.c,$^) $(filter-out %/main.o,$(weft_tool_OBJS)) \
		$(weft_tool_LIBS) -lcriterion -lpthread

# Benchmarks see the inside of weft: some measure what no program can call.
$(eval $(call image,bench,tests/bench/image.c))
$(eval $(call image,bench-minimal,tests/bench/minimal.c))
$(bench_OBJS): LOCAL_FLAGS = $(RUNTIME_FLAGS)

TEST_PACKAGES := $(RUN_PACKAGES) libcriterion-dev $(if $(filter true,$(CI))$(EXTRAS),golang-go)

.PHONY: test-build bench-ready
test-build: $(unit_PROGRAMS) $(board_PROGRAM) $(board_IMAGES) $(B)/demo.elf build/bin/weft

bench-ready: $(B)/bench.elf $(B)/bench-minimal.elf $(B)/demo.elf build/bin/weft
	@CROSS='$(arch_CROSS)' tests/bench/run.sh '$(ONLY)' '$(BOARD)' '$(ARCH)' '$(CORES)' '$(B)'
