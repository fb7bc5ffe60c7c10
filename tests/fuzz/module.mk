# SPDX-License-Identifier: MIT
# Fuzz targets of the host tool (clang's libFuzzer), one program for each file. Run by make fuzz, and by
# make soak; ONLY chooses by part of the name.
fuzz_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
fuzz_PROGRAMS := $(foreach n,$(fuzz_NAMES),$(if $(if $(ONLY),$(findstring $(ONLY),fuzz/$(n)),all),build/tests/fuzz-$(n)))
FUZZ_SECONDS ?= 60
FUZZ_FLAGS := -std=gnu11 -O1 -g -D_GNU_SOURCE -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

build/tests/fuzz-%: tests/fuzz/%.c tests/fuzz/fuzz.h $(weft_tool_GEN_HDRS) $(weft_tool_SRCS) $(weft_tool_GEN_SRCS)
	$(call say,FUZZ,$*)
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_FLAGS) $(weft_tool_CPPFLAGS) -Wl,--build-id -o $@ $< $(filter-out %/main.c,$(weft_tool_SRCS)) $(weft_tool_GEN_SRCS) $(weft_tool_LIBS)

.PHONY: fuzz
fuzz: $(fuzz_PROGRAMS) build/bin/weft
	@tools/build/packages.sh clang
	@tests/fuzz/run.sh $(FUZZ_SECONDS) build/bin/weft $(fuzz_PROGRAMS)
