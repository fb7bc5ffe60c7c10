/* SPDX-License-Identifier: MIT */
/*
 * Every build-time option of weft: default, unit, range. An application overrides them in a header
 * named weft_config.h on its include path, or with -DWEFT_CONFIG_...; library and application must
 * be compiled with the same values.
 */
#ifndef WEFT_CONFIG_H
#define WEFT_CONFIG_H

#if defined(__has_include)
#if __has_include(<weft_config.h>)
#include <weft_config.h>
#endif
#if __has_include(<weft_target.h>) /* an installed library: what it was built with */
#include <weft_target.h>
#endif
#endif

/* Cores that run threads. 1 compiles the multi-core locking out. */
#ifndef WEFT_CONFIG_CORES
#define WEFT_CONFIG_CORES 1
#endif
#if WEFT_CONFIG_CORES < 1 || WEFT_CONFIG_CORES > 32
#error "WEFT_CONFIG_CORES must be 1 to 32"
#endif

/* 1: a higher-priority thread, or the end of a time slice, takes the core away from a running
 * thread. 0: cooperative, a switch happens only where a thread blocks or yields. */
#ifndef WEFT_CONFIG_PREEMPTION
#define WEFT_CONFIG_PREEMPTION 1
#endif
#if WEFT_CONFIG_PREEMPTION != 0 && WEFT_CONFIG_PREEMPTION != 1
#error "WEFT_CONFIG_PREEMPTION must be 0 or 1"
#endif

/* Time slice among threads of equal priority, in microseconds. */
#ifndef WEFT_CONFIG_SLICE_US
#define WEFT_CONFIG_SLICE_US 10000
#endif
#if WEFT_CONFIG_SLICE_US < 100 || WEFT_CONFIG_SLICE_US > 10000000
#error "WEFT_CONFIG_SLICE_US must be 100 to 10000000"
#endif

/* Scheduler tick, in Hz. The profiler, while it runs, sets its own rate. */
#ifndef WEFT_CONFIG_TICK_HZ
#define WEFT_CONFIG_TICK_HZ 1000
#endif
#if WEFT_CONFIG_TICK_HZ < 10 || WEFT_CONFIG_TICK_HZ > 20000
#error "WEFT_CONFIG_TICK_HZ must be 10 to 20000"
#endif

/* Stack of a thread whose attributes name no size, in bytes. */
#ifndef WEFT_CONFIG_STACK_BYTES
#define WEFT_CONFIG_STACK_BYTES 16384
#endif
#if WEFT_CONFIG_STACK_BYTES < 1024
#error "WEFT_CONFIG_STACK_BYTES must be at least 1024"
#endif

/* Ended threads' memory, control block and stack, that is kept for new threads of the same stack
 * size: so many at most; 0: none. It is given back when memory runs short. */
#ifndef WEFT_CONFIG_STACK_CACHE
#define WEFT_CONFIG_STACK_CACHE 64
#endif
#if WEFT_CONFIG_STACK_CACHE < 0 || WEFT_CONFIG_STACK_CACHE > 65535
#error "WEFT_CONFIG_STACK_CACHE must be 0 to 65535"
#endif

/* The per-core stack of interrupt handlers, in bytes. The sampler's unwinder runs on it; its
 * high-water mark is measured (docs/walk-tick.md gives the budget). */
#ifndef WEFT_CONFIG_SYSTEM_STACK_BYTES
#define WEFT_CONFIG_SYSTEM_STACK_BYTES 8192
#endif
#if WEFT_CONFIG_SYSTEM_STACK_BYTES < 4096 || WEFT_CONFIG_SYSTEM_STACK_BYTES % 16 != 0
#error "WEFT_CONFIG_SYSTEM_STACK_BYTES must be a multiple of 16, at least 4096"
#endif

/* Stack of the idle thread of a core, in bytes. It frees ended threads and flushes the heap's
 * cache, which needs twice as much on 64-bit CPUs. */
#ifndef WEFT_CONFIG_IDLE_STACK_BYTES
#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ > 4
#define WEFT_CONFIG_IDLE_STACK_BYTES 2048
#else
#define WEFT_CONFIG_IDLE_STACK_BYTES 1024
#endif
#endif
#if WEFT_CONFIG_IDLE_STACK_BYTES < 512 || WEFT_CONFIG_IDLE_STACK_BYTES % 16 != 0
#error "WEFT_CONFIG_IDLE_STACK_BYTES must be a multiple of 16, at least 512"
#endif

/* 1: an inaccessible page below each stack that weft allocates, on boards that can do it (pc; see
 * the board's README). Costs up to two pages of address space and one of memory per stack. */
#ifndef WEFT_CONFIG_STACK_GUARD
#define WEFT_CONFIG_STACK_GUARD 1
#endif
#if WEFT_CONFIG_STACK_GUARD != 0 && WEFT_CONFIG_STACK_GUARD != 1
#error "WEFT_CONFIG_STACK_GUARD must be 0 or 1"
#endif

/* 1: MIPS cores with a TLB: stacks that weft allocates are used at mapped addresses (kseg2), with
 * WEFT_CONFIG_STACK_GUARD below each. Costs TLB refills (docs/stacks.md has figures) and 64 KiB.
 * A stack's memory is then not where its addresses say: give no device a buffer on a stack. */
#ifndef WEFT_CONFIG_STACK_MAPPED
#define WEFT_CONFIG_STACK_MAPPED 0
#endif
#if WEFT_CONFIG_STACK_MAPPED != 0 && WEFT_CONFIG_STACK_MAPPED != 1
#error "WEFT_CONFIG_STACK_MAPPED must be 0 or 1"
#endif

/* 1: every switch looks at the canary word at the end of the stack that it leaves (5 instructions),
 * every tick at those of the running thread and of the core's system stack. */
#ifndef WEFT_CONFIG_STACK_CANARY
#define WEFT_CONFIG_STACK_CANARY 1
#endif
#if WEFT_CONFIG_STACK_CANARY != 0 && WEFT_CONFIG_STACK_CANARY != 1
#error "WEFT_CONFIG_STACK_CANARY must be 0 or 1"
#endif

/* 1: new stacks are painted, so that weft_thread_stack_used can tell how far they were used. Makes
 * spawning slower by about one instruction per word. */
#ifndef WEFT_CONFIG_STACK_PAINT
#define WEFT_CONFIG_STACK_PAINT 0
#endif
#if WEFT_CONFIG_STACK_PAINT != 0 && WEFT_CONFIG_STACK_PAINT != 1
#error "WEFT_CONFIG_STACK_PAINT must be 0 or 1"
#endif

/* 1: cores can be watched (weft/watch.h). 0: not at all. */
#ifndef WEFT_CONFIG_WATCHDOG
#define WEFT_CONFIG_WATCHDOG 1
#endif
#if WEFT_CONFIG_WATCHDOG != 0 && WEFT_CONFIG_WATCHDOG != 1
#error "WEFT_CONFIG_WATCHDOG must be 0 or 1"
#endif

/* Deepest call stack that a sample or a dump records, in frames. Deeper ones are cut and flagged.
 */
#ifndef WEFT_CONFIG_UNWIND_DEPTH
#define WEFT_CONFIG_UNWIND_DEPTH 64
#endif
#if WEFT_CONFIG_UNWIND_DEPTH < 4 || WEFT_CONFIG_UNWIND_DEPTH > 256
#error "WEFT_CONFIG_UNWIND_DEPTH must be 4 to 256"
#endif

/* Each core's sample log, in bytes; a power of two. */
#ifndef WEFT_CONFIG_LOG_BYTES
#define WEFT_CONFIG_LOG_BYTES 262144
#endif
#if (WEFT_CONFIG_LOG_BYTES & (WEFT_CONFIG_LOG_BYTES - 1)) != 0 || WEFT_CONFIG_LOG_BYTES < 4096
#error "WEFT_CONFIG_LOG_BYTES must be a power of two, at least 4096"
#endif

/* Places that a profile by place can tell apart (weft/sites.h): four tables, about 230 bytes a
 * place on amd64, half of it on MIPS. */
#ifndef WEFT_CONFIG_PROFILE_SITES
#define WEFT_CONFIG_PROFILE_SITES 64
#endif
#if WEFT_CONFIG_PROFILE_SITES < 8 || WEFT_CONFIG_PROFILE_SITES > 65536
#error "WEFT_CONFIG_PROFILE_SITES must be 8 to 65536"
#endif

/* Places that the profile of allocations can tell apart (weft/heap_profile.h): 330 bytes each on
 * amd64, 210 on MIPS, in images that use it. */
#ifndef WEFT_CONFIG_HEAP_PROFILE_SITES
#define WEFT_CONFIG_HEAP_PROFILE_SITES 128
#endif
#if WEFT_CONFIG_HEAP_PROFILE_SITES < 8 || WEFT_CONFIG_HEAP_PROFILE_SITES > 65535
#error "WEFT_CONFIG_HEAP_PROFILE_SITES must be 8 to 65535"
#endif

/* Labels of threads for the profiler (weft_profile_label_set): how many different ones there can
 * be, 80 bytes each. */
#ifndef WEFT_CONFIG_PROFILE_LABELS
#define WEFT_CONFIG_PROFILE_LABELS 32
#endif
#if WEFT_CONFIG_PROFILE_LABELS < 1 || WEFT_CONFIG_PROFILE_LABELS > 65535
#error "WEFT_CONFIG_PROFILE_LABELS must be 1 to 65535"
#endif

/* 1: the image has unwind tables, and a panic, the watchdog and a break on the console print
 * stacks. 0: neither; they print their sentence, and a sample is one pc deep. About 40 KB of the
 * image. */
#ifndef WEFT_CONFIG_UNWIND
#define WEFT_CONFIG_UNWIND 1
#endif
#if WEFT_CONFIG_UNWIND != 0 && WEFT_CONFIG_UNWIND != 1
#error "WEFT_CONFIG_UNWIND must be 0 or 1"
#endif

/* 1: images linked in this tree get the compact unwind table (docs/unwinding.md), a third of the
 * size of the call frame information, instead of it. 0: they keep that, and it is interpreted. */
#ifndef WEFT_CONFIG_UNWIND_TABLE
#define WEFT_CONFIG_UNWIND_TABLE 1
#endif
#if WEFT_CONFIG_UNWIND_TABLE != 0 && WEFT_CONFIG_UNWIND_TABLE != 1
#error "WEFT_CONFIG_UNWIND_TABLE must be 0 or 1"
#endif

/* 0: no heap: malloc returns NULL, a thread's stack is the caller's, main's is in .bss, and stdio
 * does not work (weft_print does). */
#ifndef WEFT_CONFIG_HEAP
#define WEFT_CONFIG_HEAP 1
#endif
#if WEFT_CONFIG_HEAP != 0 && WEFT_CONFIG_HEAP != 1
#error "WEFT_CONFIG_HEAP must be 0 or 1"
#endif

/* 1: the worst single malloc or free is bounded and short, whatever its size and whatever the heap
 * holds (docs/heap.md); the mean call costs more. */
#ifndef WEFT_CONFIG_HEAP_DETERMINISTIC
#define WEFT_CONFIG_HEAP_DETERMINISTIC 0
#endif
#if WEFT_CONFIG_HEAP_DETERMINISTIC != 0 && WEFT_CONFIG_HEAP_DETERMINISTIC != 1
#error "WEFT_CONFIG_HEAP_DETERMINISTIC must be 0 or 1"
#endif

/* 1: a broken rule of the heap (double free and the like) is printed and the call has no effect; 0:
 * it panics. */
#ifndef WEFT_CONFIG_HEAP_REPORT_RETURNS
#define WEFT_CONFIG_HEAP_REPORT_RETURNS 0
#endif
#if WEFT_CONFIG_HEAP_REPORT_RETURNS != 0 && WEFT_CONFIG_HEAP_REPORT_RETURNS != 1
#error "WEFT_CONFIG_HEAP_REPORT_RETURNS must be 0 or 1"
#endif

/* 1: the heap's full tier of hardening (docs/heap.md): canaries, junk, quarantine, who allocated
 * and who freed. For debugging: some hundred instructions and 28 bytes (48 on a 64-bit CPU) for
 * each block. */
#ifndef WEFT_CONFIG_HEAP_FULL
#define WEFT_CONFIG_HEAP_FULL 0
#endif
#if WEFT_CONFIG_HEAP_FULL != 0 && WEFT_CONFIG_HEAP_FULL != 1
#error "WEFT_CONFIG_HEAP_FULL must be 0 or 1"
#endif

/* With the full tier: blocks in quarantine, at most. */
#ifndef WEFT_CONFIG_HEAP_QUARANTINE
#define WEFT_CONFIG_HEAP_QUARANTINE 64
#endif
#if WEFT_CONFIG_HEAP_QUARANTINE < 1 || WEFT_CONFIG_HEAP_QUARANTINE > 65536
#error "WEFT_CONFIG_HEAP_QUARANTINE must be 1 to 65536"
#endif

/* With the full tier: bytes at each end of a block that are filled with junk when it is allocated
 * and freed, and looked at when it leaves quarantine; a smaller block all of it. */
#ifndef WEFT_CONFIG_HEAP_JUNK
#define WEFT_CONFIG_HEAP_JUNK 64
#endif
#if WEFT_CONFIG_HEAP_JUNK < 8 || WEFT_CONFIG_HEAP_JUNK % 8 != 0
#error "WEFT_CONFIG_HEAP_JUNK must be a multiple of 8, and not 0"
#endif

/* Not 0: what each thread allocates, and what of it was freed, is counted, for so many threads at a
 * time (weft_heap_account_read); the rest share an account. 8 bytes for each block, and some
 * hundred instructions for a malloc and free. */
#ifndef WEFT_CONFIG_HEAP_THREADS
#define WEFT_CONFIG_HEAP_THREADS (WEFT_CONFIG_HEAP_FULL ? 32 : 0)
#endif
#if WEFT_CONFIG_HEAP_THREADS < 0 || WEFT_CONFIG_HEAP_THREADS > 250
#error "WEFT_CONFIG_HEAP_THREADS must be 0 to 250"
#endif

/* The collector: entries of a core's mark stack; a piece of memory waits in each. When it is full,
 * blocks are found again by looking through their spans: the stack's size costs time only. */
#ifndef WEFT_CONFIG_GC_MARK_ENTRIES
#define WEFT_CONFIG_GC_MARK_ENTRIES 512
#endif
#if WEFT_CONFIG_GC_MARK_ENTRIES < 2 || WEFT_CONFIG_GC_MARK_ENTRIES > 1048576
#error "WEFT_CONFIG_GC_MARK_ENTRIES must be 2 to 1048576"
#endif

/* 1: weft is compiled for size (-Os) instead of speed; programs see no difference. */
#ifndef WEFT_CONFIG_SMALL
#define WEFT_CONFIG_SMALL 0
#endif
#if WEFT_CONFIG_SMALL != 0 && WEFT_CONFIG_SMALL != 1
#error "WEFT_CONFIG_SMALL must be 0 or 1"
#endif

/* 0: no thread-local variables (__thread). */
#ifndef WEFT_CONFIG_TLS
#define WEFT_CONFIG_TLS 1
#endif
#if WEFT_CONFIG_TLS != 0 && WEFT_CONFIG_TLS != 1
#error "WEFT_CONFIG_TLS must be 0 or 1"
#endif

/* Stack of the thread that runs main, in bytes. */
#ifndef WEFT_CONFIG_MAIN_STACK_BYTES
#define WEFT_CONFIG_MAIN_STACK_BYTES (2 * WEFT_CONFIG_STACK_BYTES)
#endif
#if WEFT_CONFIG_MAIN_STACK_BYTES < 1024
#error "WEFT_CONFIG_MAIN_STACK_BYTES must be at least 1024"
#endif

/* Thread-local slots (weft/slot.h) that can exist at a time. */
#ifndef WEFT_CONFIG_SLOTS
#define WEFT_CONFIG_SLOTS 16
#endif
#if WEFT_CONFIG_SLOTS < 1 || WEFT_CONFIG_SLOTS > 1024
#error "WEFT_CONFIG_SLOTS must be 1 to 1024"
#endif

/* Files that can be open at once, the console's three descriptors not counted. */
#ifndef WEFT_CONFIG_FILES
#define WEFT_CONFIG_FILES 16
#endif
#if WEFT_CONFIG_FILES < 1 || WEFT_CONFIG_FILES > 1024
#error "WEFT_CONFIG_FILES must be 1 to 1024"
#endif

/* 1: internal assertions and lock ranks are checked on every acquire. */
#ifndef WEFT_CONFIG_DEBUG
#define WEFT_CONFIG_DEBUG 0
#endif
#if WEFT_CONFIG_DEBUG != 0 && WEFT_CONFIG_DEBUG != 1
#error "WEFT_CONFIG_DEBUG must be 0 or 1"
#endif

/* 1: each thread's time on a core, its switches and its waits are kept (weft_thread_info), for some
 * 15 instructions a switch and 16 bytes a thread (docs/watching.md). On in debug builds. */
#ifndef WEFT_CONFIG_THREAD_STATS
#define WEFT_CONFIG_THREAD_STATS WEFT_CONFIG_DEBUG
#endif
#if WEFT_CONFIG_THREAD_STATS != 0 && WEFT_CONFIG_THREAD_STATS != 1
#error "WEFT_CONFIG_THREAD_STATS must be 0 or 1"
#endif

#endif
