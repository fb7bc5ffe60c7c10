# SPDX-License-Identifier: MIT
weft_SRCS += $(addprefix kernel/,boot.c console.c core.c error.c newlib.c panic.c print.c spinlock.c \
	tick.c trap.c)
