# SPDX-License-Identifier: MIT
# x86-64 inside a Linux process: README.md. The switch, frames and unwinding are the bare-metal port's.
arch_CROSS := x86_64-linux-gnu-
arch_FLAGS := -m64 -march=x86-64 -fno-pic -fcf-protection=none -fstack-clash-protection \
	$(if $(filter SYSTEM_STACK_BYTES=%,$(CONFIG)),,-DWEFT_CONFIG_SYSTEM_STACK_BYTES=$(if $(SAN),262144,65536)) \
	$(if $(filter IDLE_STACK_BYTES=%,$(CONFIG)),,-DWEFT_CONFIG_IDLE_STACK_BYTES=$(if $(SAN),65536,16384))
# No red zone in weft itself: arch_irq_restore may go to a handler by a call.
arch_RUNTIME_FLAGS := -D_GNU_SOURCE -ffreestanding -mno-red-zone -mgeneral-regs-only -fomit-frame-pointer
# As on bare metal: a word of weft's own, not the process's.
arch_STACK_PROTECTOR := -mstack-protector-guard=global
arch_LINK_FLAGS := -no-pie
arch_PACKAGES := gcc
arch_SRCS := $(addprefix arch/amd64/,switch.S memory.S context.c fpu_atomic.c unwind.c exception.c report.c) \
	$(addprefix arch/amd64/hosted/,start.S interrupt.S signal.c clock.c cpu.c fpu.c stack.c tls.c modules.c)

# Under these, arch_switch is a function that tells the sanitizer, around the real one (stack.c).
ifneq ($(filter address thread,$(SAN)),)
$(B)/arch/amd64/switch.o: CPPFLAGS += -Darch_switch=hosted_switch
$(B)/arch/amd64/context.o: CPPFLAGS += -Darch_context_init=hosted_context_init
endif
