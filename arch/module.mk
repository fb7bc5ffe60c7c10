# SPDX-License-Identifier: MIT
# The port's own list is in arch/PORT/arch.mk.
weft_SRCS += $(arch_SRCS)
