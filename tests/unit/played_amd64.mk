# SPDX-License-Identifier: MIT
# The amd64 port's privileged code, compiled with the port's own options, on a CPU that a process plays. Not under a
# sanitizer: it is not instrumented, and AddressSanitizer's shadow lies where the local APIC has to be.
ifeq ($(shell uname -m)$(SAN),x86_64)
played_FLAGS := -std=gnu11 -O2 -g $(WARNINGS) -fasynchronous-unwind-tables -I. -Iinclude -Iarch/amd64 \
	$(shell sed -n 's/^arch_\(RUNTIME_\)*FLAGS := //p' arch/amd64/arch.mk)
played_HEADERS := $(wildcard arch/amd64/*.h arch/amd64/port/*.h) arch/amd64/arch.mk tests/unit/played_amd64.mk
played_SRCS := tests/unit/played_amd64_apic.c tests/unit/played_amd64_step.c
played_UNIT_FLAGS := -Iarch/amd64 -fno-pic -no-pie

unit_amd64_timer_OBJS := $(addprefix build/tests/amd64-timer/,clock.o lapic.o)
$(unit_amd64_timer_OBJS): build/tests/amd64-timer/%.o: arch/amd64/%.c $(HEADERS) $(played_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(played_FLAGS) -DWEFT_CONFIG_CORES=2 -c $< -o $@
unit_amd64_timer_SRCS := tests/unit/amd64_timer.c $(played_SRCS) $(unit_amd64_timer_OBJS)
unit_amd64_timer_CFLAGS := $(played_UNIT_FLAGS) -DWEFT_CONFIG_CORES=2

unit_amd64_vectors_OBJS := $(addprefix build/tests/amd64-vectors/,fpu.o vectors.o)
build/tests/amd64-vectors/fpu.o: arch/amd64/fpu.c $(HEADERS) $(played_HEADERS)
build/tests/amd64-vectors/vectors.o: arch/amd64/vectors.S $(HEADERS) $(played_HEADERS)
$(unit_amd64_vectors_OBJS):
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(played_FLAGS) -c $< -o $@
unit_amd64_vectors_SRCS := tests/unit/amd64_vectors.c tests/unit/amd64_vectors_registers.S $(played_SRCS) \
	$(unit_amd64_vectors_OBJS)
unit_amd64_vectors_CFLAGS := $(played_UNIT_FLAGS)

build/tests/amd64-rate/clock_reference.o: boards/pc/clock_reference.c boards/pc/pc.h $(HEADERS) $(played_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(played_FLAGS) -c $< -o $@
unit_amd64_rate_SRCS := tests/unit/amd64_rate.c $(played_SRCS) build/tests/amd64-rate/clock_reference.o
unit_amd64_rate_CFLAGS := $(played_UNIT_FLAGS)
endif
