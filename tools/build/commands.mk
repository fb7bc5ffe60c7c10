# SPDX-License-Identifier: MIT
# What people type. `make help` prints the lines that start with ##.

$(eval $(call image,demo,$(demo_SRCS)))
-include $(patsubst %.o,%.d,$(sort $(weft_OBJS) $(image_OBJS)))
$(sort $(image_OBJS)): LOCAL_FLAGS += -Iexamples

INPUT ?= /usr/share/common-licenses/GPL-3
LIMIT ?= 120
RUN_PACKAGES := gcc libc6-dev make $(libc_PACKAGES) $(arch_PACKAGES) $(weft_tool_PACKAGES)
FORMATTED = $(shell git ls-files '*.c' '*.h' ':!linker')

# "firmware" is part of somebody's image and has none of its own.
board_HAS_IMAGES = $(if $(board_FRAGMENTS),$(error board "$(BOARD)" is for other people's firmware and makes no images: see make install and docs/install.md))

.PHONY: help run run-ready image bench bench-counts test soak format lint size size-minimal size-defaults lines sbom clean FORCE

## make run    [BOARD=malta] [ARCH=mips|mipsel] [INPUT=file]   the demo, profiled, on the board's emulator
run:
	$(board_HAS_IMAGES)
	@tools/build/packages.sh $(RUN_PACKAGES)
	@$(MAKE) --no-print-directory run-ready

run-ready: $(B)/demo.elf build/bin/weft
	@INPUT='$(INPUT)' LIMIT='$(LIMIT)' BOARD_FOLDER='$(board_FOLDER)' tools/build/run-image.sh $(BOARD) $(ARCH) $(CORES) $(B)/demo.elf build/run $(ARGS)

## make image  [BOARD=...] [ARCH=...] [INPUT=file] [ARGS=words]   the demo, as files to flash or to boot
##                                       from (docs/flashing.md)
image:
	$(board_HAS_IMAGES)
	$(if $(board_IMAGE),,$(error board "$(BOARD)" has nothing to boot from: make run starts its program))
	@tools/build/packages.sh $(RUN_PACKAGES) $(board_IMAGE_PACKAGES)
	@$(MAKE) --no-print-directory $(B)/demo.elf $(addprefix $(B)/demo,$(board_IMAGE))

## make test   [ONLY=pattern] [BOARD=...] [ARCH=...]   all tests, or those whose name contains the pattern;
##                                       on every board and architecture, or the one that is named
## make test   SAN=address|undefined|thread            the hosted board's tests, and host tests, under a sanitizer
test_TARGETS := malta-mips malta-mipsel pc-amd64 linux-amd64
ifneq ($(origin BOARD)$(origin ARCH),filefile)
test_TARGETS := $(TARGET)
endif
ifneq ($(SAN),)
test_TARGETS := linux-amd64
endif
# As many jobs as processors, unless make was told how many.
test_JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
test:
	$(board_HAS_IMAGES)
	@tools/build/packages.sh $(TEST_PACKAGES) $(sort $(foreach t,$(test_TARGETS),$(packages_$(t))))
	@$(foreach t,$(test_TARGETS),$(MAKE) $(test_JOBS) --no-print-directory test-build BOARD=$(word 1,$(subst -, ,$(t))) ARCH=$(word 2,$(subst -, ,$(t))) &&) \
	ONLY='$(ONLY)' CORES='$(CORES)' SAN='$(SAN)' tests/run-all.sh '$(test_TARGETS)' '$(board_PROGRAM)' $(unit_PROGRAMS)
test_EXTRAS := $(filter true,$(CI))$(EXTRAS)
packages_malta-mips := $(if $(test_EXTRAS),g++-mips-linux-gnu) gcc-mips-linux-gnu qemu-system-mips u-boot-tools
packages_malta-mipsel := $(if $(test_EXTRAS),g++-mipsel-linux-gnu) gcc-mipsel-linux-gnu qemu-system-mips u-boot-qemu u-boot-tools
packages_pc-amd64 := $(if $(test_EXTRAS),g++ ovmf grub-efi-amd64-bin) qemu-system-x86 grub-common grub-pc-bin xorriso mtools
packages_linux-amd64 := $(if $(filter true,$(CI))$(EXTRAS),valgrind)

## make soak   [ONLY=pattern] [BOARD=...] [ARCH=...]   make test, with the proofs that take longer
soak:
	@SOAK=1 $(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory fuzz

## make fuzz   [ONLY=pattern] [FUZZ_SECONDS=60]   the host tool's readers under libFuzzer (in soak, too)

## make bench  [ONLY=pattern]            instruction counts under -icount, and sizes
## make bench  BOARD=linux [EXTRAS=1]    nanoseconds beside other libraries' (EXTRAS=1 installs those that Debian has)
bench:
	$(board_HAS_IMAGES)
	@tools/build/packages.sh $(RUN_PACKAGES) $(if $(filter linux,$(BOARD)),$(bench_PEERS))
	@$(MAKE) --no-print-directory bench-ready

## make bench-counts                     the counts that tests/board/costs-do-not-grow compares with, anew
bench-counts:
	@$(foreach t,malta-mips-1 malta-mipsel-1 pc-amd64-1 malta-mips-2 pc-amd64-2,$(MAKE) --no-print-directory bench ONLY= CONFIG= \
		CORES=$(word 3,$(subst -, ,$(t))) BOARD=$(word 1,$(subst -, ,$(t))) ARCH=$(word 2,$(subst -, ,$(t))) &&) tests/bench/counts.sh

## make size   [BOARD=...] [ARCH=...]    flash, RAM and what a thread costs, for a minimal, a typical and a full
##                                       image, by folder
size_TARGETS := malta-mips pc-amd64
ifneq ($(origin BOARD)$(origin ARCH),filefile)
size_TARGETS := $(TARGET)
endif
size_MINIMAL := HEAP=0 UNWIND=0 TLS=0 WATCHDOG=0 STACK_GUARD=0 STACK_CACHE=0 SMALL=1 STACK_BYTES=2048 SYSTEM_STACK_BYTES=4096
size_of = @tools/build/size.sh $(arch_CROSS) '$(TARGET) $(1)' $(B) $(2) $(B)/tests/bench/thread_cost.o
size:
	$(board_HAS_IMAGES)
	$(if $(filter glibc,$(board_LIBC)),$(error BOARD=$(BOARD) is a process: make size is about firmware))
	@tools/build/packages.sh $(RUN_PACKAGES)
	@$(foreach t,$(size_TARGETS),$(foreach c,minimal defaults,$(MAKE) --no-print-directory size-$(c) BOARD=$(word 1,$(subst -, ,$(t))) \
		ARCH=$(word 2,$(subst -, ,$(t))) $(if $(filter minimal,$(c)),CONFIG='$(size_MINIMAL)') &&)) true
size-minimal: $(B)/bench-minimal.elf $(B)/tests/bench/thread_cost.o
	$(call size_of,minimal,bench-minimal)
size-defaults: $(B)/bench-minimal.elf $(B)/bench-typical.elf $(B)/demo.elf $(B)/tests/bench/thread_cost.o
	$(call size_of,minimal with the defaults,bench-minimal)
	$(call size_of,typical,bench-typical)
	$(call size_of,full (demo),demo)

## make format                           rewrites the sources as .clang-format says
format:
	@tools/build/packages.sh clang-format
	clang-format -i $(FORMATTED)

## make lint                             says what is not formatted, and checks the include directions
lint:
	@tools/build/packages.sh clang-format
	clang-format --dry-run -Werror $(FORMATTED)
	tools/build/check-includes.sh

## make lines                            lines of code per port, board and subsystem
lines:
	@tools/build/lines.sh

## make sbom                             build/weft.spdx: SPDX bill of materials of the tree
sbom:
	tools/build/sbom.sh build/weft.spdx $(wildcard $(foreach t,$(INSTALL_TARGETS),build/$(t)/demo.elf))

## make clean                            removes what was built, newlib excepted
clean:
	@find build -mindepth 1 -maxdepth 1 ! -name newlib -exec rm -rf {} + 2>/dev/null || true

## make help                             this text
help:
	@sed -n 's/^## //p' tools/build/commands.mk tools/build/install.mk
	@echo
	@echo 'Boards: $(BOARDS). Results of a run are in build/run/. V=1 shows the commands.'
	@echo 'Everywhere: CORES=n; CONFIG="TICK_HZ=100 DEBUG=1" for options of include/weft/config.h. make run: ARGS="words"'
	@echo 'for the program, LIMIT=seconds (120).'
