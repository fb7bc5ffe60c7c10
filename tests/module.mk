# SPDX-License-Identifier: MIT
# Tests. Host programs are named by unit_NAME_SRCS (with unit_NAME_CFLAGS and unit_NAME_LIBS when they need
# more). Board tests are folders tests/board/NAME with image.c, the firmware, and test.c, which boots it. Of
# files image-PORT*.c and .S the port's are taken, and a test that has such files, but none for this port,
# is not built for it. A file `configs` names other configurations that the image is also built with (and
# a library of that configuration): one on each line, its options joined by +; `configs-PORT`, on that port
# only. A file `inside` says that the image sees the inside of weft, as applications don't; a file
# `link-flags` has options for its link, behind its licence line.

include $(wildcard tests/unit/*.mk) tests/fuzz/module.mk

unit_NAMES := $(patsubst unit_%_SRCS,%,$(filter unit_%_SRCS,$(.VARIABLES)))
# Under a sanitizer: those that make no stacks of their own. Criterion does not run under ThreadSanitizer.
unit_SAN_undefined := $(unit_NAMES)
unit_SAN_address := $(filter-out prof_% sched_edges sched_machine,$(unit_NAMES))
unit_SAN_thread :=
unit_FOLDER := build/tests$(san_TAG)
unit_PROGRAMS := $(patsubst %,$(unit_FOLDER)/unit-%,$(if $(SAN),$(unit_SAN_$(SAN)),$(unit_NAMES)))
UNIT_FLAGS := -std=gnu11 -O1 -g $(WARNINGS) -D_GNU_SOURCE -I. -Iinclude
HEADERS := $(wildcard include/weft/*.h arch/*.h kernel/*.h sched/*.h mem/*.h prof/*.h tests/unit/*.h tests/unit/*/*.h tools/weft/*.h examples/*/*.h)

.SECONDEXPANSION:
$(unit_PROGRAMS): $(unit_FOLDER)/unit-%: $$(unit_%_SRCS) $$(unit_%_DEPS) $(HEADERS)
	$(call say,UNIT,$*)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(UNIT_FLAGS) $(san_KIND) $(unit_$*_CFLAGS) -o $@ $(unit_$*_SRCS) $(unit_$*_LIBS) -lcriterion -lpthread

board_tests := $(foreach t,$(patsubst tests/board/%/image.c,%,$(wildcard tests/board/*/image.c)),\
	$(if $(wildcard tests/board/$(t)/image-*),$(if $(wildcard tests/board/$(t)/image-$(arch_PORT)*.[cS]),$(t)),$(t)))
# ONLY leaves out the images that no wanted test boots.
board_wanted := $(if $(ONLY),$(shell tests/wanted-images.sh '$(ONLY)'),$(notdir $(wildcard tests/board/*)))
board_tests := $(filter $(board_wanted),$(board_tests))
board_sources = $(filter-out %/test.c $(1)/host% $(1)/image-%,$(wildcard $(1)/*.c $(1)/*.S)) \
	$(wildcard $(1)/image-$(arch_PORT)*.[cS])
$(foreach t,$(board_tests),$(eval $(call image,tests/$(t),$(call board_sources,tests/board/$(t)))))
$(foreach t,$(board_tests),$(if $(wildcard tests/board/$(t)/inside),$(eval $(tests/$(t)_OBJS): LOCAL_FLAGS = -I. -I$(arch_FOLDER))))
$(foreach t,$(board_tests),$(if $(wildcard tests/board/$(t)/link-flags),$(eval $(B)/tests/$(t).elf: LINK_FLAGS += $(shell sed 1d tests/board/$(t)/link-flags))))
board_IMAGES := $(patsubst %,$(B)/tests/%.elf,$(board_tests))

variant_FILES = $(wildcard tests/board/$(1)/configs tests/board/$(1)/configs-$(arch_PORT))
variants_of = $(if $(variant_FILES),$(shell cat $(variant_FILES)))
$(foreach t,$(board_tests),$(eval variants_$(t) := $(call variants_of,$(t))))
# The benchmarks' counts are held for two cores, too.
bench_VARIANT := $(if $(filter costs-do-not-grow,$(board_wanted)),$(if $(filter linux,$(BOARD)),,CORES=2))
variants_ALL := $(sort $(foreach t,$(board_tests),$(variants_$(t))) $(bench_VARIANT))
variant_tag = $(subst +,-,$(subst =,_,$(1)))
variant_BENCH = $(if $(filter $(1),$(bench_VARIANT)),$(patsubst $(B)/%,$(B)-$(variant_tag)/%,$(bench_IMAGES)))
variant_IMAGES = $(call variant_BENCH,$(1)) $(foreach t,$(board_tests),$(if $(filter $(1),$(variants_$(t))),$(B)-$(variant_tag)/tests/$(t).elf))
define variant
.PHONY: variant-$(variant_tag)
variant-$(variant_tag): $$(libc_READY)
	$$(Q)$$(MAKE) --no-print-directory CONFIG='$$(CONFIG) $(subst +, ,$(1))' $$(call variant_IMAGES,$(1))
endef
$(foreach v,$(variants_ALL),$(eval $(call variant,$(v))))
board_PROGRAM := build/tests/board

$(board_PROGRAM): tests/board/harness.c $(wildcard tests/board/*/test.c tests/board/*/host*.c tests/board/*.h tests/board/*/*.h) $(weft_tool_OBJS) $(HEADERS)
	$(call say,UNIT,board)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(UNIT_FLAGS) $(weft_tool_CPPFLAGS) -o $@ $(filter %.c,$^) $(filter-out %/main.o,$(weft_tool_OBJS)) \
		$(weft_tool_LIBS) -lcriterion -lpthread -lm

# Benchmarks see the inside of weft: some measure what no program can call.
$(eval $(call image,bench,tests/bench/image.c))
$(eval $(call image,bench-minimal,tests/bench/minimal.c))
$(eval $(call image,bench-objects,tests/bench/objects.c))
$(eval $(call image,bench-classics,tests/bench/classics.c))
$(eval $(call image,bench-traps,tests/bench/traps.c))
$(eval $(call image,bench-collector,tests/bench/collector.c))
$(eval $(call image,bench-libc,tests/bench/libc.c))
$(eval $(call image,bench-profiler,tests/bench/profiler.c))
$(if $(filter linux,$(BOARD)),$(eval $(call image,bench-hosted,tests/bench/hosted.c tests/bench/hosted_waits.c)))
$(if $(filter linux,$(BOARD)),$(eval $(call image,bench-hosted-cores,tests/bench/hosted_cores.c tests/bench/hosted_waits.c)))
$(if $(filter linux,$(BOARD)),$(eval $(call image,bench-profile,tests/bench/profile.c)))
$(eval $(call image,bench-typical,examples/channels/main.c))
$(B)/tests/bench/thread_cost.o: LOCAL_FLAGS = $(RUNTIME_FLAGS)
$(bench_OBJS) $(bench-objects_OBJS) $(bench-classics_OBJS) $(bench-traps_OBJS) $(bench-libc_OBJS) $(bench-profiler_OBJS) $(bench-collector_OBJS) $(bench-hosted_OBJS) $(bench-hosted-cores_OBJS): LOCAL_FLAGS = $(RUNTIME_FLAGS)

bench_IMAGES := $(addprefix $(B)/,$(if $(filter linux,$(BOARD)),bench-hosted.elf,bench.elf bench-objects.elf bench-classics.elf bench-traps.elf))

TEST_PACKAGES := $(RUN_PACKAGES) ccache libcriterion-dev spin pkgconf $(if $(filter true,$(CI))$(EXTRAS),golang-go chromium cmake gdb-multiarch sqlite3 python3 lua5.4 libmimalloc-dev)

# What is installed, for the test that uses nothing else.
installed_malta := malta-$(ARCH) firmware-$(ARCH)
installed_pc := pc-amd64 firmware-amd64
installed_linux := $(if $(SAN),,linux-amd64)
installed_ROOT := build/tests/root/$(TARGET)
.PHONY: test-build test-installed bench-ready
test-installed: $(B)/install/libweft.a build/bin/weft
	$(Q)rm -rf $(installed_ROOT)
	$(Q)$(MAKE) --no-print-directory install PREFIX=/opt/weft DESTDIR=$(installed_ROOT) INSTALL_TARGETS='$(installed_$(BOARD))'

test-build: $(unit_PROGRAMS) $(if $(filter costs-do-not-grow,$(board_wanted)),$(bench_IMAGES)) $(board_PROGRAM) $(board_IMAGES) $(B)/demo.elf build/bin/weft \
	$(addprefix $(B)/,$(board_TEST_FILES)) $(if $(installed_$(BOARD)),$(if $(filter installed-tree,$(board_wanted)),test-installed)) $(foreach v,$(variants_ALL),variant-$(call variant_tag,$(v)))

# The heap has a table of its own (tests/bench/heap.mk): all of it, or ONLY=heap.
bench_HEAP = @case heap in *'$(ONLY)'*) $(MAKE) --no-print-directory bench-heap-ready ;; esac
bench_PEERS := $(if $(filter true,$(CI))$(EXTRAS),g++ libboost-context-dev libboost-fiber-dev golang-go libst-dev libtbb-dev libgc-dev)

ifeq ($(BOARD),linux)
bench_HOSTED := $(B)/bench-hosted$(if $(filter-out 1,$(CORES)),-cores).elf
bench-ready: $(bench_HOSTED) $(B)/bench-collector.elf $(B)/bench-profile.elf $(B)/bench-profiler.elf build/bin/weft
	@tests/bench/hosted.sh '$(ONLY)' $< $(CORES)
	@tests/bench/collector.sh '$(ONLY)' $(B)/bench-collector.elf
	@tests/bench/profile.sh '$(ONLY)' $(B)/bench-profile.elf
	@tests/bench/profiler.sh '$(ONLY)' '$(BOARD)' '$(ARCH)' '$(CORES)' '$(B)'
	$(bench_HEAP)
else
bench-ready: $(bench_IMAGES) $(B)/bench-libc.elf $(B)/bench-collector.elf $(B)/bench-profiler.elf $(B)/bench-minimal.elf $(B)/demo.elf build/bin/weft
	@CROSS='$(arch_CROSS)' tests/bench/run.sh '$(ONLY)' '$(BOARD)' '$(ARCH)' '$(CORES)' '$(B)'
	@tests/bench/profiler.sh '$(ONLY)' '$(BOARD)' '$(ARCH)' '$(CORES)' '$(B)'
	$(bench_HEAP)
endif
