# SPDX-License-Identifier: MIT
# x86-64, System V calling convention, bare metal: no red zone (an interrupt's frame may land right
# below the stack pointer), addresses below 2 GiB (the small code model), SSE2 as the baseline for applications.
arch_CROSS := x86_64-linux-gnu-
arch_NEWLIB_HOST := x86_64-elf
arch_FLAGS := -m64 -march=x86-64 -mno-red-zone -fno-pic -fcf-protection=none -fstack-clash-protection
# weft itself never touches a vector or x87 register, so an interrupted thread's stay where they are.
arch_RUNTIME_FLAGS := -mgeneral-regs-only -fomit-frame-pointer
# A variable, not a place that only an operating system sets up.
arch_STACK_PROTECTOR := -mstack-protector-guard=global
# Segments lie in the file as they lie in memory: the Multiboot header gives one stretch to load.
arch_LINK_FLAGS := -no-pie -Wl,-z,max-page-size=4096
arch_PACKAGES := gcc qemu-system-x86
arch_SRCS := $(addprefix arch/amd64/,vectors.S switch.S idle.S memory.S context.c clock.c cpu.c fpu_atomic.c fpu.c lapic.c \
	machine_check.c paging.c report.c tls.c trap.c exception.c unwind.c)
