/* SPDX-License-Identifier: MIT */
/*
 * Threads of one priority that keep values in floating-point registers, each with a rounding mode
 * of its own, while time slices take the core away from them; beside threads that never touch one.
 * Prints how often the values were looked at and how often they were wrong.
 *
 * On x86 the values are in SSE (or, by the argument "avx", AVX) and x87 registers, which nothing
 * but a preemption saves; elsewhere the compiler keeps doubles in registers across the loop.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weft/thread.h>

#define USERS 4
#define THREADS 6
#define SPIN 2000
/* Rounds between two yields: the time slice must end in a round now and then, and a process is
 * fast. */
#if defined(__linux__)
#define YIELD_EVERY 65536
#else
#define YIELD_EVERY 64
#endif

static volatile int stop;
static volatile unsigned rounds[THREADS], wrong[THREADS];

#if defined(__x86_64__)
static int with_avx;

#define KEEP(move, stride, register)                                                                                            \
    move                                                                                                                        \
        " (%1), %%" register "0; " move " " stride                                                                              \
                             "(%1), %%" register "7; " move " 3*" stride                                                        \
                                                 "(%1), %%" register "15\n\tfldl 128(%1)\n"                                     \
                                                                     "1:\tdecl %0; jnz "                                        \
                                                                     "1b\n\t" move                                              \
                                                                     " %%" register "0, "                                       \
                                                                                    "(%2); " move                               \
                                                                                    " %"                                        \
                                                                                    "%" register "7, " stride                   \
                                                                                                 "(%2); " move                  \
                                                                                                 " %%" register "15, 3*" stride \
                                                                                                                "(%2)\n\tfstpl 128(%2)"

static int keep(unsigned id, unsigned round)
{
    static uint64_t in[THREADS][17], out[THREADS][17];
    unsigned bytes = with_avx ? 32 : 16;
    unsigned spin = SPIN;

    for (unsigned i = 0; i < 17; i++)
        in[id][i] = (uint64_t)(id + 1) << 52 | (uint64_t)i << 40 | round;
    memset(out[id], 0, sizeof out[id]);
    if (with_avx)
        __asm__ volatile(KEEP("vmovdqu", "32", "ymm")
                         : "+r"(spin)
                         : "r"(in[id]), "r"(out[id])
                         : "memory", "xmm0", "xmm7", "xmm15");
    else
        __asm__ volatile(KEEP("movdqu", "16", "xmm")
                         : "+r"(spin)
                         : "r"(in[id]), "r"(out[id])
                         : "memory", "xmm0", "xmm7", "xmm15");
    return memcmp(in[id], out[id], 2 * bytes) == 0 &&
           memcmp((char *)in[id] + 3 * bytes, (char *)out[id] + 3 * bytes, bytes) == 0 &&
           in[id][16] == out[id][16];
}

static void rounding_set(unsigned mode)
{
    uint32_t mxcsr = 0x1f80 | mode << 13;
    uint16_t control = (uint16_t)(0x37f | mode << 10);

    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(control));
}

static int rounding_is(unsigned mode)
{
    uint32_t mxcsr;
    uint16_t control;

    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
    return (mxcsr >> 13 & 3) == mode && (control >> 10 & 3) == mode;
}
#else
static int with_avx;

static int keep(unsigned id, unsigned round)
{
    double a = id + round, b = 2.0 * id - round, c = 0.25 * round;
    const double a0 = a, b0 = b, c0 = c;

    for (volatile unsigned spin = SPIN / 10; spin != 0; spin--)
        __asm__ volatile("" : "+f"(a), "+f"(b), "+f"(c));
    return a == a0 && b == b0 && c == c0;
}

#if defined(__mips__)
static void rounding_set(unsigned mode)
{
    __asm__ volatile("ctc1 %0, $31" ::"r"(mode));
}

static int rounding_is(unsigned mode)
{
    unsigned control;

    __asm__ volatile("cfc1 %0, $31" : "=r"(control));
    return (control & 3) == mode;
}
#else
static void rounding_set(unsigned mode)
{
    (void)mode;
}

static int rounding_is(unsigned mode)
{
    (void)mode;
    return 1;
}
#endif
#endif

static void *user(void *argument)
{
    unsigned id = (unsigned)(uintptr_t)argument;

    rounding_set(id & 3);
    while (!stop) {
        if (!keep(id, rounds[id]) || !rounding_is(id & 3))
            wrong[id]++;
        rounds[id]++;
        if (rounds[id] % YIELD_EVERY == 0)
            weft_thread_yield();
    }
    return NULL;
}

static void *bystander(void *argument)
{
    while (!stop)
        rounds[(uintptr_t)argument]++;
    return NULL;
}

int main(int argc, char **argv)
{
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *thread[THREADS];
    unsigned errors = 0;

    with_avx = argc > 1 && strcmp(argv[1], "avx") == 0;
    attr.priority = WEFT_PRIORITY_DEFAULT - 1;
    for (unsigned i = 0; i < THREADS; i++)
        if (weft_thread_spawn(&thread[i], &attr, i < USERS ? user : bystander,
                              (void *)(uintptr_t)i) != 0)
            return 2;
    weft_thread_sleep_ns(3000000000);
    stop = 1;
    for (unsigned i = 0; i < THREADS; i++)
        if (weft_thread_join(thread[i], NULL) != 0)
            return 3;
    for (unsigned i = 0; i < THREADS; i++) {
        printf("thread %u: %s\n", i, rounds[i] > 100 ? "ran" : "STARVED");
        errors += wrong[i] + (rounds[i] <= 100);
    }
    printf("wrong: %u\n", errors);
    return errors != 0;
}
