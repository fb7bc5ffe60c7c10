# SPDX-License-Identifier: MIT
# mips32r2, o32, hard float (FPXX: right with FR=0 and FR=1), both endians from one source.
arch_CROSS := $(if $(filter mipsel,$(ARCH)),mipsel-linux-gnu-,mips-linux-gnu-)
arch_NEWLIB_HOST := $(ARCH)-elf
# Debian's little-endian assembler guards every ll for Loongson 3; these CPUs need no guard.
arch_FLAGS := $(if $(filter mipsel,$(ARCH)),-EL -Wa$(comma)-mno-fix-loongson3-llsc,-EB) \
	-march=mips32r2 -mabi=32 -mfpxx -mno-abicalls -fno-pic -G0 \
	$(if $(filter STACK_MAPPED=1,$(CONFIG)),-fstack-clash-protection) # no frame steps over a guard page
# gcc has no switch for "hard-float ABI, but no floating-point register" (-mno-float is refused for
# Linux configurations): every one of them is declared taken.
arch_RUNTIME_FLAGS := $(foreach n,0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 \
	26 27 28 29 30 31,'-ffixed-$$f$(n)')
arch_PACKAGES := $(if $(filter mipsel,$(ARCH)),gcc-mipsel-linux-gnu,gcc-mips-linux-gnu) qemu-system-mips
arch_SRCS := $(addprefix arch/mips/,start.S vectors.S switch.S fpu_state.S fpu.c context.c clock.c cpu.c trap.c exception.c unwind.c stack_map.c tls.c \
	atomic64.S atomic64_settle.c fpu_atomic.c)
