# SPDX-License-Identifier: MIT
# prof: the sampler, the unwinder, the sample log, stack dumps. Reads the others, never decides.
prof_CFI_SRCS := prof/cfi.c prof/cfi_program.c prof/cfi_expression.c
prof_SRCS := $(prof_CFI_SRCS) prof/dump.c prof/frame.c prof/image.c prof/log.c prof/names.c \
	prof/profile.c prof/sampler.c prof/unwind.c

# What each host test is made of; -I: the host as a port. prof_cfi_*.c include the reader themselves, for other CPUs.
unit_prof_FLAGS := -I. -Iinclude -Itests/unit/prof_port
unit_prof_FAKES := tests/unit/prof_fake.c tests/unit/prof_fake_switch.S kernel/print.c
unit_prof_REAL := $(filter-out prof/image.c,$(prof_SRCS))
unit_prof_cfi_amd64_SRCS := tests/unit/prof_cfi_amd64.c
unit_prof_cfi_mips_SRCS := tests/unit/prof_cfi_mips.c
unit_prof_log_SRCS := tests/unit/prof_log.c $(unit_prof_FAKES) $(unit_prof_REAL)
unit_prof_unwind_SRCS := tests/unit/prof_unwind.c $(unit_prof_FAKES) $(unit_prof_REAL)
unit_prof_sampler_SRCS := tests/unit/prof_sampler.c $(unit_prof_FAKES) $(unit_prof_REAL)
unit_prof_dump_SRCS := tests/unit/prof_dump.c $(unit_prof_FAKES) $(unit_prof_REAL)
