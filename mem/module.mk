# SPDX-License-Identifier: MIT
# mem: the heap. mem/heap.c says what is where; newlib_malloc.c needs newlib's headers.
mem_HOST_SRCS := $(addprefix mem/,cache.c central.c check.c class.c heap.c large.c malloc.c page.c \
	prim.c report.c scavenger.c stack.c stats.c)
mem_SRCS := $(mem_HOST_SRCS) mem/newlib_malloc.c

# What no allocation waits for is made small.
$(addprefix $(B)/mem/,check.o class.o heap.o report.o scavenger.o stack.o stats.o): OPTIMISE := -Os

# The host test: mem_names.c includes newlib_malloc.c. It needs -Itests/unit (port/ and reent.h).
unit_mem_heap_SRCS := $(addprefix tests/unit/,mem_fake.c mem_names.c mem_model.c mem_faults.c mem_limits.c mem_share.c \
	mem_trace.c) $(mem_HOST_SRCS)
