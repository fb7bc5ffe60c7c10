/* SPDX-License-Identifier: MIT */
/*
 * An adversarial program for the unwinder: tail calls, a 48 KB frame, recursion, mutual recursion,
 * alloca, variable arguments, function pointers, leaves, frames that come and go in delay slots.
 * All its functions are called adv_..., and call nothing else but sync_tick: the host replays a
 * trace of them.
 *
 * So that every instruction gets a tick, each round begins a chosen number of instructions before
 * one, and every number has its turn.
 */
#include <alloca.h>
#include <stdarg.h>
#include <weft/weft.h>

#include "../firmware.h"

#define NOINLINE __attribute__((noinline, noclone))

/* From a tick back to sync_tick's end, in instructions: more than a round has. No multiple of 3,
 * the number of different rounds. */
#define RANGE 751
#define ROUNDS (2 * RANGE)

/* Returns when the timer's interrupt is so many of its units away (instructions: with the test's
 * -icount), less the instructions until then. */
void sync_tick(unsigned units);
#if defined(__mips__)
#define UNITS(instructions) ((instructions)*16 / 3) /* Count, 160 MHz */
#else
#define UNITS(instructions) ((instructions)*32) /* of the local APIC, 1 GHz */
#endif

int adv_short_frame(int x);
int adv_tail_out(int x);
int adv_tail_target(int x);
int adv_main(unsigned i);

static volatile int sink;

static NOINLINE int adv_leaf(int x)
{
    return x * 3 + 1;
}

int NOINLINE adv_tail_target(int x)
{
    return adv_leaf(x) + 2;
}

/* The compiler's own tail call. */
static NOINLINE int adv_tail_caller(int x)
{
    sink = x;
    return adv_tail_target(x + 1);
}

static NOINLINE int adv_fill(volatile char *bytes, int count)
{
    int sum = 0;

    for (int i = 0; i < count; i += count / 4 + 1) {
        bytes[i] = (char)i;
        sum += bytes[i];
    }
    return sum;
}

/* More than a 16-bit offset reaches. */
static NOINLINE int adv_large_frame(int x)
{
    volatile char bytes[48 * 1024];

    return adv_fill(bytes, sizeof bytes) + adv_leaf(x);
}

static NOINLINE int adv_alloca(int x)
{
    volatile char *bytes = alloca((size_t)(x & 31) * 8 + 16);

    return adv_fill(bytes, 16) + adv_leaf(x) + bytes[0];
}

static NOINLINE int adv_recurse(int depth)
{
    if (depth == 0)
        return adv_leaf(depth);
    return adv_recurse(depth - 1) + depth;
}

static int adv_odd(int n);

static NOINLINE int adv_even(int n)
{
    return n == 0 ? 1 : adv_odd(n - 1) + 1;
}

static NOINLINE int adv_odd(int n)
{
    return n == 0 ? 0 : adv_even(n - 1) + 2;
}

static NOINLINE int adv_sum(int count, ...)
{
    va_list arguments;
    int sum = 0;

    va_start(arguments, count);
    for (int i = 0; i < count; i++)
        sum += adv_leaf(va_arg(arguments, int));
    va_end(arguments);
    return sum;
}

/* An early return before the frame is made (shrink-wrapping), and one after. */
static NOINLINE int adv_early(int x)
{
    if (x < 2)
        return x;
    sink = adv_leaf(x);
    if (sink & 1)
        return adv_tail_caller(x) + sink;
    return adv_alloca(x) - sink;
}

static int (*volatile adv_table[])(int) = {
    adv_leaf, adv_tail_caller, adv_large_frame, adv_alloca,   adv_recurse,
    adv_even, adv_early,       adv_short_frame, adv_tail_out,
};

static NOINLINE int adv_through_pointer(int index, int x)
{
    return adv_table[index](x) + 1;
}

static NOINLINE int adv_round(int x)
{
    int sum = adv_sum(3, x, x + 1, x + 2);

    for (unsigned i = 0; i < sizeof adv_table / sizeof adv_table[0]; i++)
        sum += adv_through_pointer((int)i, x);
    return sum;
}

int NOINLINE adv_main(unsigned i)
{
    static const int input[] = {1, 6, 3}; /* the three ways through adv_early */

    sync_tick(UNITS(i % RANGE + 1));
    return adv_round(input[i % 3]) - 1;
}

static unsigned rate_hz, seed;

static __attribute__((noinline)) void *thread_main(void *argument)
{
    CHECK(weft_profile_start(rate_hz) == 0);
    for (unsigned i = seed; i < seed + ROUNDS; i++)
        sink = adv_main(i);
    CHECK(weft_profile_stop() == 0);
    return argument;
}

int main(int argc, char **argv)
{
    const struct weft_thread_attr attr = {
        .name = "adversary", .priority = 16, .stack_bytes = 96 * 1024};
    struct weft_thread *thread;

    CHECK(argc == 3);
    rate_hz = (unsigned)strtoul(argv[1], NULL, 10);
    seed = (unsigned)strtoul(argv[2], NULL, 10);
    CHECK(weft_thread_spawn(&thread, &attr, thread_main, NULL) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_profile_send() == 0);
    return 0;
}
