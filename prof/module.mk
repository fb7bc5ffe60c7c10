# SPDX-License-Identifier: MIT
# prof: the sampler, the unwinder, the sample log, stack dumps. Reads the others, never decides.
prof_SRCS := \
	prof/cfi.c \
	prof/cfi_expression.c \
	prof/cfi_program.c \
	prof/dump.c \
	prof/frame.c \
	prof/image.c \
	prof/log.c \
	prof/names.c \
	prof/profile.c \
	prof/sampler.c \
	prof/unwind.c
