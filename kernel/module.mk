# SPDX-License-Identifier: MIT
weft_SRCS += $(addprefix kernel/,boot.c canary.c console.c core.c $(if $(filter-out 1,$(CORES)),cores.c) error.c exception.c file_devices.c interrupt.c newlib.c newlib_exit.c newlib_file.c \
	newlib_time.c panic.c print.c random.c spinlock.c tick.c trap.c)
# The word changes inside.
# Nor with link-time optimisation, which sees only afterwards that checks refer to it.
$(B)/kernel/canary.o: STACK_PROTECTOR := -fno-lto
