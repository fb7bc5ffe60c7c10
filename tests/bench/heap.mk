# SPDX-License-Identifier: MIT
# make bench-heap: the heap's figures, beside newlib's malloc (malta, pc), or glibc's and mimalloc (linux), and
# the smallest arenas for recorded traces.
newlib_ARCHIVE = build/newlib/$(ARCH)/lib/libc.a
bench_PEER := tests/bench/newlib_malloc

# newlib's two objects, under names of their own.
$(B)/$(bench_PEER).o: $(libc_READY) tests/bench/heap.mk
	$(call say,OBJCOPY,$@)
	@mkdir -p $(B)/tests/bench/peer
	$(Q)cd $(B)/tests/bench/peer && $(AR) x $(CURDIR)/$(newlib_ARCHIVE) lib_a-mallocr.o lib_a-freer.o
	$(Q)$(CC) $(arch_FLAGS) -nostdlib -r -o $@.tmp $(B)/tests/bench/peer/lib_a-mallocr.o $(B)/tests/bench/peer/lib_a-freer.o
	$(Q)$(OBJCOPY) --redefine-sym _malloc_r=peer_malloc_r --redefine-sym _free_r=peer_free_r \
		--redefine-sym _sbrk_r=peer_sbrk_r --redefine-sym __malloc_lock=peer_lock \
		--redefine-sym __malloc_unlock=peer_unlock --redefine-sym _malloc_trim_r=peer_trim_r $@.tmp $@

$(eval $(call image,bench-heap,tests/bench/heap.c $(bench_PEER).c))
$(eval $(call image,bench-heap-minimal,tests/bench/heap_minimal.c))
$(B)/tests/bench/heap.o: LOCAL_FLAGS = $(RUNTIME_FLAGS)

build/host/heap-replay: tests/bench/replay.c $(addprefix tests/unit/,mem_fake.c mem_names.c) $(mem_HOST_SRCS) $(HEADERS)
	$(call say,HOSTLD,$@)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O2 -w -D_GNU_SOURCE -I. -Iinclude -Itests/unit -Itests/unit/fuzz_port -o $@ $(filter %.c,$^)

build/host/heap-time: tests/bench/heap_time.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O2 -g $(WARNINGS) -fno-builtin -o $@ $<

## make bench-heap [BOARD=...] [ARCH=...]   the heap's figures beside other heaps'
.PHONY: bench-heap bench-heap-ready
bench-heap:
	@tools/build/packages.sh $(RUN_PACKAGES) $(if $(EXTRAS),$(if $(filter linux,$(BOARD)),libmimalloc-dev sqlite3 python3))
	@$(MAKE) --no-print-directory bench-heap-ready

bench-heap-ready: $(if $(filter linux,$(BOARD)),$(preload_LIB) build/host/heap-replay build/host/heap-time,$(B)/bench-heap.elf $(B)/bench-heap-minimal.elf build/bin/weft)
	@tests/bench/heap.sh '$(BOARD)' '$(ARCH)' '$(B)' '$(CORES)'
