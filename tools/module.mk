# SPDX-License-Identifier: MIT
# The host tool `weft`. tools/build/host.mk compiles weft_tool_SRCS and weft_tool_GEN_SRCS with
# weft_tool_CPPFLAGS and links them with weft_tool_LIBS.

BUILD ?= build
weft_tool_GEN := $(BUILD)/gen

weft_tool_SRCS := $(addprefix tools/weft/, \
    buffer.c capture.c command_dump.c command_flash.c command_heap.c command_profile.c command_report.c command_run.c command_symbolize.c demux.c flame.c gzip.c \
    guest.c heap_core.c heap_json.c heap_map.c heap_reader.c heap_report.c image.c json.c log_names.c log_reader.c log_record.c log_totals.c main.c map.c message.c out_dir.c \
    profile_proto.c progress.c ram_image.c qmp.c results.c site_profiles.c source_path.c stacks.c supervisor.c symbolizer.c symbols.c \
    table.c tail.c target.c thread_text.c)

# Made by the rules below; the headers must exist before anything that includes them is compiled.
weft_tool_GEN_SRCS := $(weft_tool_GEN)/tools/weft/profile.pb-c.c \
    $(weft_tool_GEN)/tools/weft/flame_text.c
weft_tool_GEN_HDRS := $(weft_tool_GEN)/tools/weft/profile.pb-c.h

weft_tool_CPPFLAGS := -D_GNU_SOURCE -I. -I$(weft_tool_GEN)
weft_tool_LIBS := -ldw -lelf -lprotobuf-c -lz

# Debian packages this needs.
weft_tool_PACKAGES := libdw-dev libelf-dev libprotobuf-c-dev protobuf-c-compiler zlib1g-dev

$(weft_tool_GEN)/tools/weft/profile.pb-c.c: tools/weft/profile.proto
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $<
$(weft_tool_GEN_HDRS): $(weft_tool_GEN)/tools/weft/profile.pb-c.c ;

# Text files as C strings, line by line: backslashes and quotes escaped.
weft_tool_QUOTE := sed -e 's/[\\"]/\\&/g' -e 's/.*/    "&\\n"/'
$(weft_tool_GEN)/tools/weft/flame_text.c: tools/weft/flame.css tools/weft/flame.js tools/module.mk
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q){ echo '#include "tools/weft/flame_text.h"'; \
	  echo 'const char flame_css[] ='; $(weft_tool_QUOTE) tools/weft/flame.css; echo ';'; \
	  echo 'const char flame_js[] ='; $(weft_tool_QUOTE) tools/weft/flame.js; echo ';'; \
	} > $@.part
	$(Q)mv $@.part $@

# Unit tests: each is linked with all of the tool but its main(), and may run the tool itself.
define weft_tool_test
unit_tool_$(1)_SRCS = tests/unit/tool_$(1).c $$(filter-out %/main.o,$$(weft_tool_OBJS))
unit_tool_$(1)_CFLAGS = $$(weft_tool_CPPFLAGS)
unit_tool_$(1)_LIBS = $$(weft_tool_LIBS)
unit_tool_$(1)_DEPS = build/bin/weft
endef
$(foreach test,commands demux flame heap log_reader report report_refusals run symbols,$(eval $(call weft_tool_test,$(test))))
