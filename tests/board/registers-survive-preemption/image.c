/* SPDX-License-Identifier: MIT */
/*
 * Threads hold a pattern of their own in every register, in assembly loops that check it all the
 * time, while the profiler ticks at 20 kHz and two threads of higher priority preempt them every
 * 100 us, scrambling the registers. The arithmetic threads do the same with what a compiler makes.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "patterns.h"

#define PREEMPTIONS 12000
#define WAKE_NS 97001 /* in step with no tick: slices are counted in those */
#define PROFILE_HZ 20000

enum kind { INTEGER, FPU, ARITHMETIC, DOUBLES };

static struct worker {
    const char *name;
    enum kind kind;
    struct pattern_control control;
    struct weft_thread *thread;
} workers[] = {
    {.name = "integer 0", .kind = INTEGER},
    {.name = "fpu 0", .kind = FPU},
    {.name = "arithmetic", .kind = ARITHMETIC},
    {.name = "fpu 1", .kind = FPU},
    {.name = "integer 1", .kind = INTEGER},
    {.name = "doubles", .kind = DOUBLES},
    {.name = "fpu 2", .kind = FPU},
    {.name = "integer 2", .kind = INTEGER},
};

#define WORKERS (sizeof workers / sizeof workers[0])

/* Multiplications and divisions of both widths, whose parts stay in HI and LO for a while. */
static uint64_t arithmetic(void)
{
    uint64_t x = 0x123456789abcdef1u, sum = 0;

    for (uint32_t i = 1; i < 200; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        sum += (uint32_t)(x >> 32) % i + (uint32_t)x / i + x / (i * 12345u + 1);
    }
    return sum;
}

static double doubles(void)
{
    volatile double one = 1.0;
    double sum = 0, product = 1;

    for (int i = 1; i < 200; i++) {
        sum += one / i;
        product = product * (1 + one / i) / (1 + one / (i + 1)) + sum * 1e-9;
    }
    return sum * product;
}

static void compute(struct worker *worker)
{
    const uint64_t whole = arithmetic();
    const double fraction = doubles();

    while (!worker->control.stop) {
        if (worker->kind == ARITHMETIC ? arithmetic() != whole : doubles() != fraction) {
            printf("FAILED: thread \"%s\" got another result after a preemption\n", worker->name);
            exit(1);
        }
        worker->control.rounds++;
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    uint32_t pattern = (uint32_t)(worker - workers + 1) * 0x1d000000u + 0x5a5a5u;
    unsigned damaged = 0;

    if (worker->kind == INTEGER)
        damaged = pattern_integer(pattern, &worker->control);
    else if (worker->kind == FPU)
        damaged = pattern_fpu(pattern, &worker->control);
    else
        compute(worker);
    if (damaged != 0) {
        printf("FAILED: thread \"%s\" lost its value in register %s after %u rounds\n",
               worker->name, pattern_name(damaged), (unsigned)worker->control.rounds);
        exit(1);
    }
    return NULL;
}

/* Woken by the timer while a worker runs: each wake-up is a preemption of one. */
static void *preempter_main(void *argument)
{
    void (*scramble)(uint32_t seed) = *(void (**)(uint32_t))argument;
    uint64_t deadline = weft_time_ns(), now;

    for (uint32_t i = 0; i < PREEMPTIONS; i++) {
        deadline += WAKE_NS;
        now = weft_time_ns();
        if (deadline <= now) /* late: it must sleep all the same, or it preempts nobody */
            deadline = now + WAKE_NS;
        weft_thread_sleep_until_ns(deadline);
        scramble(i * 0x01030507u);
    }
    return NULL;
}

static struct weft_thread *spawn(const char *name, int priority, void *(*entry)(void *),
                                 void *argument)
{
    const struct weft_thread_attr attr = {.name = name, .priority = priority};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
    return thread;
}

int main(int argc, char **argv)
{
    static void (*scrambles[])(uint32_t) = {scramble_integer, scramble_fpu};
    struct weft_thread *preempters[2];

    if (argc > 1 && strcmp(argv[1], "wide") == 0 && !pattern_widen_fpu()) {
        puts("this CPU has one register model only");
        return 0;
    }
    CHECK(weft_profile_start(PROFILE_HZ) == 0);
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i].thread = spawn(workers[i].name, WEFT_PRIORITY_DEFAULT, worker_main, &workers[i]);
    for (unsigned i = 0; i < 2; i++)
        preempters[i] =
            spawn("preempter", WEFT_PRIORITY_DEFAULT + 1, preempter_main, &scrambles[i]);
    for (unsigned i = 0; i < 2; i++)
        CHECK(weft_thread_join(preempters[i], NULL) == 0);
    CHECK(weft_profile_stop() == 0);
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i].control.stop = 1;
    for (unsigned i = 0; i < WORKERS; i++) {
        CHECK(weft_thread_join(workers[i].thread, NULL) == 0);
        printf("%s: %u rounds\n", workers[i].name, (unsigned)workers[i].control.rounds);
        CHECK(workers[i].control.rounds > 20);
    }
    printf("%d preemptions, every register intact\n", PREEMPTIONS);
    return 0;
}
