/* SPDX-License-Identifier: MIT */
/* Real stacks: the walker against the C library's own unwinder. */
#include <criterion/criterion.h>
#include <execinfo.h>
#include <stdalign.h>
#include <string.h>

#include "prof/image.h"
#include "prof/unwind.h"
#include "prof_fake.h"

#define CAPACITY 64

static struct unwind_cache cache;
static unwind_pc pcs[CAPACITY];
static void *theirs[CAPACITY];
static int their_depth;
static struct unwind_result ours;

/* Both walk from here; the pcs of this function itself differ. */
static __attribute__((noinline)) int walk_here(void)
{
    struct arch_unwind registers;
    uintptr_t lo, hi;

    arch_unwind_here(&registers);
    fake_host_stack(&lo, &hi);
    ours = unwind_walk(&cache, &registers, true, lo, hi, pcs, CAPACITY);
    if (ours.restart) {
        arch_unwind_here(&registers);
        ours = unwind_walk(NULL, &registers, true, lo, hi, pcs, CAPACITY);
    }
    their_depth = backtrace(theirs, CAPACITY);
    return 1;
}

static __attribute__((noinline)) int with_alloca(int n)
{
    volatile char *bytes = __builtin_alloca((size_t)n * 100);

    bytes[0] = 1;
    return walk_here() + bytes[0];
}

static __attribute__((noinline)) int realigned(int n)
{
    alignas(64) volatile char bytes[128];

    bytes[n] = 3;
    return with_alloca(n) + bytes[n];
}

static __attribute__((noinline)) int realigned_and_dynamic(int n)
{
    alignas(128) volatile char bytes[128];
    volatile char *more = __builtin_alloca((size_t)n * 16);

    bytes[n] = more[0] = 3;
    return realigned(n) + bytes[n] + more[0];
}

static __attribute__((noinline)) int big(int n)
{
    volatile char bytes[48000];

    bytes[n] = 1;
    return realigned_and_dynamic(n) * bytes[n] + 1;
}

static __attribute__((noinline)) int recursive(int n, int depth)
{
    volatile int keep = n;

    return depth == 0 ? big(n) : recursive(n + 1, depth - 1) + keep;
}

/* The C library's unwinder knows the shared libraries too: ours ends where the program does. */
Test(prof_unwind, a_real_stack_is_what_the_c_library_says)
{
    memset(&cache, 0, sizeof cache);
    for (int turn = 0; turn < 2; turn++) {
        recursive(1, 6);
        cr_assert(ours.depth >= 13, "%u", ours.depth);
        cr_assert(ours.depth <= (unsigned)their_depth);
        cr_assert(ours.reason == REASON_NO_INFO, "%s", unwind_reason_name(ours.reason));
        for (unsigned i = 1; i < ours.depth; i++)
            cr_assert(pcs[i] == (uintptr_t)theirs[i] - 1, "turn %d frame %u", turn, i);
    }
}
