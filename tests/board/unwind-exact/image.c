/* SPDX-License-Identifier: MIT */
/*
 * A program that is nasty to unwinders, sampled wherever the timer happens to strike. Every
 * function is called from exactly one place, so what a stack must look like follows from where its
 * innermost frame is: test.c has the table. noipa keeps the compiler from merging or inlining any
 * of them.
 */
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <weft/profile.h>
#include <weft/thread.h>

#include "../firmware.h"

#define NOIPA __attribute__((noipa))
#define ROUNDS 5
#define TICKS 4000 /* of one round: what a log of 256 KiB has room for */

NOIPA static int alloca_leaf(volatile char *bytes, int n)
{
    bytes[n] = (char)n;
    return bytes[0] + n;
}

/* A frame pointer, because the stack pointer moves. */
NOIPA static int with_alloca(int n)
{
    volatile char *bytes = __builtin_alloca((size_t)n * 24 + 8);

    return alloca_leaf(bytes, n) + bytes[n];
}

/* A frame beyond the reach of a 16-bit offset, with a dynamic one inside. */
NOIPA static int big_frame(int n)
{
    volatile char bytes[48000];

    bytes[n] = 1;
    bytes[47000 + n] = 2;
    return with_alloca(n) + bytes[n] + bytes[47000 + n];
}

NOIPA static int recursion_leaf(int n)
{
    return n * 3 + 1;
}

NOIPA static int recurse(int depth, int n)
{
    volatile int kept = n; /* or gcc makes it a loop */

    if (depth == 0)
        return recursion_leaf(n);
    return recurse(depth - 1, n + depth) * 5 + kept;
}

NOIPA static int tail_leaf(int n)
{
    return n / 3;
}

NOIPA static int tail_target(int n)
{
    return tail_leaf(n + 1) + n % 7;
}

/* Gone by the time its target runs. */
NOIPA static int tail_caller(int n)
{
    int doubled = n * 2;

    return tail_target(doubled + (doubled >> 3));
}

NOIPA static int early_leaf(int n)
{
    return n ^ 5;
}

/* Shrink-wrapped: a return before there is a frame, and one after. */
NOIPA static int early(int n, int m)
{
    int sum;

    if (n & 1)
        return m + 1;
    sum = early_leaf(m);
    for (int i = 0; i < 3; i++)
        sum = sum * n + m;
    return sum;
}

NOIPA static int variadic_leaf(int value)
{
    return value + 1;
}

NOIPA static int variadic(int count, ...)
{
    va_list arguments;
    int sum = 0;

    va_start(arguments, count);
    while (count-- > 0)
        sum += variadic_leaf(va_arg(arguments, int));
    va_end(arguments);
    return sum;
}

NOIPA static double float_leaf(double a, double b)
{
    return a * b + 0.5;
}

/* Saves floating-point registers too. */
NOIPA static int floats(int n)
{
    double a = n, b = n + 1;
    double c = float_leaf(a, b);

    return (int)(c + a * b);
}

NOIPA static int many_leaf(int a, int b)
{
    return a - b;
}

/* Everything callee-saved is live across a call, and five arguments go over the stack. */
NOIPA static int many(int a, int b, int c, int d, int e, int f, int g, int h, int i)
{
    int sum = many_leaf(a, b);

    return sum + a * b + c * d + e * f + g * h + i + (a ^ i) * (b ^ h);
}

NOIPA static int chain(int n)
{
    int sum = big_frame(n & 31);

    sum += recurse(6, n);
    sum += tail_caller(n);
    sum += early(n, sum & 1023);
    sum += variadic(4, n, sum & 1023, 3, 4);
    sum += floats(n & 1023);
    sum += many(n, 2, sum & 1023, 4, 5, 6, sum & 1023, 8, 9);
    return sum;
}

static void *run(void *argument)
{
    struct weft_profile_totals totals;
    int sum = 0;

    do {
        for (int i = 0; i < 50; i++)
            sum ^= chain(i);
        weft_profile_totals(&totals);
    } while (totals.ticks < TICKS);
    *(int *)argument = sum;
    return NULL;
}

int main(void)
{
    const struct weft_thread_attr attr = {.name = "nasty", .priority = 20, .stack_bytes = 65536};

    for (int round = 0; round < ROUNDS; round++) {
        struct weft_thread *thread;
        int sum;

        CHECK(weft_profile_start(20000 - (uint32_t)round * 53) == 0); /* other phases */
        CHECK(weft_thread_spawn(&thread, &attr, run, &sum) == 0);
        CHECK(weft_thread_join(thread, NULL) == 0);
        CHECK(weft_profile_stop() == 0);
        CHECK(weft_profile_send() == 0);
    }
    printf("unwind-exact: done\n");
    return 0;
}
