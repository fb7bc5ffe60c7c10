# SPDX-License-Identifier: MIT
# mem: the heap. mem/heap.c says what is where; newlib_malloc.c needs newlib's headers.
mem_HOST_SRCS := $(addprefix mem/,account.c bounded.c cache.c census.c central.c check.c class.c guard.c guard_check.c heap.c large.c malloc.c \
	page.c page_scavenge.c prim.c quarantine.c report.c scavenger.c stack.c stats.c watch.c)
mem_GC_SRCS := $(addprefix mem/,gc_alloc.c gc_cycle.c gc_finalizer.c gc_leaks.c gc_mark.c gc_share.c gc_span.c)
mem_SRCS := $(mem_HOST_SRCS) $(mem_GC_SRCS) mem/newlib_malloc.c

# What no allocation waits for is made small.
$(addprefix $(B)/mem/,check.o class.o guard_check.o heap.o report.o scavenger.o stack.o stats.o watch.o): OPTIMISE := -Os

# Two halves of a word are stored as two halves: putting them together first takes longer.
$(B)/mem/bounded.o: OPTIMISE := -O2 -fno-store-merging -fno-tree-slp-vectorize

# The host tests; mem_names.c includes newlib_malloc.c. Their port and <reent.h> are in tests/unit.
mem_TEST_SRCS := $(addprefix tests/unit/,mem_fake.c mem_names.c) $(mem_HOST_SRCS)
mem_TEST_CFLAGS := -Itests/unit -fsanitize=address,undefined -fno-sanitize-recover=all
unit_mem_heap_SRCS := $(addprefix tests/unit/,mem_model.c mem_corrupt.c mem_faults.c mem_goal.c mem_kinds.c mem_limits.c mem_share.c \
	mem_trace.c mem_watch.c) $(mem_TEST_SRCS)
unit_mem_heap_CFLAGS = $(mem_TEST_CFLAGS)

# The same with two cores' caches and locks, ranks checked; and with reports that return.
unit_mem_two_cores_SRCS := $(filter-out %/mem_share.c,$(unit_mem_heap_SRCS))
unit_mem_two_cores_CFLAGS = $(mem_TEST_CFLAGS) -DWEFT_CONFIG_CORES=2 -DWEFT_CONFIG_DEBUG=1
# The deterministic mode, with one core and with two.
unit_mem_bounded_SRCS := tests/unit/mem_bounded.c $(unit_mem_heap_SRCS)
unit_mem_bounded_CFLAGS = $(mem_TEST_CFLAGS) -DWEFT_CONFIG_HEAP_DETERMINISTIC=1 -DMODEL_OPERATIONS=100000
unit_mem_bounded_cores_SRCS := tests/unit/mem_bounded.c $(unit_mem_two_cores_SRCS)
unit_mem_bounded_cores_CFLAGS = $(unit_mem_two_cores_CFLAGS) -DWEFT_CONFIG_HEAP_DETERMINISTIC=1 -DMODEL_OPERATIONS=20000
# The full tier.
unit_mem_full_SRCS := $(addprefix tests/unit/,mem_model.c mem_account.c mem_full.c mem_kinds.c) $(mem_TEST_SRCS)
unit_mem_full_CFLAGS = $(mem_TEST_CFLAGS) -DWEFT_CONFIG_HEAP_FULL=1 -DWEFT_CONFIG_HEAP_THREADS=8 -DMODEL_OPERATIONS=20000
unit_mem_full_two_cores_SRCS := $(unit_mem_full_SRCS)
unit_mem_full_two_cores_CFLAGS = $(unit_mem_full_CFLAGS) -DWEFT_CONFIG_CORES=2 -DWEFT_CONFIG_DEBUG=1
# Accounts of eight threads, without the full tier.
unit_mem_accounts_SRCS := $(addprefix tests/unit/,mem_account.c mem_kinds.c mem_model.c) $(mem_TEST_SRCS)
unit_mem_accounts_CFLAGS = $(mem_TEST_CFLAGS) -DWEFT_CONFIG_HEAP_THREADS=8 -DMODEL_OPERATIONS=100000
unit_mem_returns_SRCS := tests/unit/mem_returns.c $(mem_TEST_SRCS)
unit_mem_returns_CFLAGS = $(mem_TEST_CFLAGS) -DWEFT_CONFIG_HEAP_REPORT_RETURNS=1
unit_mem_fuzz_SRCS := tests/unit/mem_fuzz.c

# The collector, whose roots are what the test says (tests/unit/gc_fake.c); and with a mark stack that
# is nearly always full.
gc_TEST_SRCS := tests/unit/gc_fake.c $(mem_TEST_SRCS) $(mem_GC_SRCS)
gc_TEST_CFLAGS := $(mem_TEST_CFLAGS) -D__data_start=fake_roots -D__data_end=fake_roots_end \
	-D__bss_start=fake_roots_end -D__bss_end=fake_roots_end
unit_gc_graph_SRCS := tests/unit/gc_graph.c tests/unit/gc_finalizers.c tests/unit/gc_leaks.c $(gc_TEST_SRCS)
unit_gc_graph_CFLAGS = $(gc_TEST_CFLAGS)
# With four cores that mark, each with a small mark stack.
unit_gc_cores_SRCS := $(unit_gc_graph_SRCS)
unit_gc_cores_CFLAGS = $(gc_TEST_CFLAGS) -DWEFT_CONFIG_GC_MARK_ENTRIES=40 -DWEFT_CONFIG_CORES=4 -DWEFT_CONFIG_DEBUG=1 \
	-DFAKE_LOCAL=__thread -DFAKE_HELPERS
unit_gc_overflow_SRCS := $(unit_gc_graph_SRCS)
unit_gc_overflow_CFLAGS = $(gc_TEST_CFLAGS) -DWEFT_CONFIG_GC_MARK_ENTRIES=3 -DWEFT_CONFIG_CORES=2 -DWEFT_CONFIG_DEBUG=1
