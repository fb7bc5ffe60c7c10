# SPDX-License-Identifier: MIT
# The host's side: the tool, and the unit tests (tests/module.mk).

HOST_CC := gcc
HOST_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE

weft_tool_OBJS := $(patsubst %.c,build/host/%.o,$(patsubst build/%,%,$(weft_tool_SRCS) $(weft_tool_GEN_SRCS)))

build/host/%.o: %.c $(weft_tool_GEN_HDRS)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) $(weft_tool_CPPFLAGS) -MMD -MP -c $< -o $@

build/host/%.o: build/%.c $(weft_tool_GEN_HDRS)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) $(weft_tool_CPPFLAGS) -MMD -MP -c $< -o $@

build/bin/weft: $(weft_tool_OBJS)
	$(call say,HOSTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ $(weft_tool_LIBS)

-include $(weft_tool_OBJS:.o=.d)

# The link step that makes the compact unwind table (tools/unwind). It compiles the target's readers.
unwind_tool_OBJS := $(patsubst %.c,build/host/%.o,$(wildcard tools/unwind/*.c))

build/bin/weft-unwind-table: $(unwind_tool_OBJS)
	$(call say,HOSTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -o $@ $^ -lelf

-include $(unwind_tool_OBJS:.o=.d)
