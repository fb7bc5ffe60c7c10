/* SPDX-License-Identifier: MIT */
/*
 * Time is the time stamp counter, not CLOCK_MONOTONIC: every blocking operation notes the time, and
 * one instruction does that without a call into the vDSO. Its rate is measured against
 * CLOCK_MONOTONIC at boot. The two drift apart by parts per million, which does no harm: the timer
 * is set to a distance from now, and an early interrupt is looked at and armed again. Where the CPU
 * does not call its counter invariant, or hides that it does, CLOCK_MONOTONIC itself is the clock.
 *
 * The interrupt is a POSIX timer that signals this core's pthread and no other.
 */
#include "arch/clock.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <weft/console.h>

#include "arch/amd64/amd64.h"
#include "arch/amd64/hosted/hosted.h"
#include "arch/cpu.h"
#include "kernel/core.h"

#define NS_PER_SECOND 1000000000ull
#define MEASURE_NS 10000000ull
#define MEASURE_TRIES 16
#define RETRY_NS 100000ull /* a signal costs some microseconds */
#define FARTHEST_NS (3600 * NS_PER_SECOND)

bool hosted_clock_by_kernel;

static uint64_t hz;
static uint64_t ns_per_2_32_cycles, cycles_per_retry;

uint64_t hosted_clock_kernel_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* A point where both clocks were read together: the closest of several tries. */
struct sample {
    uint64_t cycles, ns;
};

static struct sample sample_take(void)
{
    struct sample best = {0, 0};
    uint64_t narrowest = UINT64_MAX;

    for (unsigned i = 0; i < MEASURE_TRIES; i++) {
        uint64_t before = arch_clock_now_irqoff();
        uint64_t ns = hosted_clock_kernel_ns();
        uint64_t width = arch_clock_now_irqoff() - before;

        if (width < narrowest) {
            narrowest = width;
            best = (struct sample){before + width / 2, ns};
        }
    }
    return best;
}

static uint64_t measure(void)
{
    struct sample start = sample_take(), end;

    while (hosted_clock_kernel_ns() - start.ns < MEASURE_NS)
        arch_cpu_relax();
    end = sample_take();
    return (uint64_t)((unsigned __int128)(end.cycles - start.cycles) * NS_PER_SECOND /
                      (end.ns - start.ns));
}

uint64_t hosted_clock_hz(void)
{
    if (hz != 0)
        return hz;
    hosted_clock_by_kernel =
        (amd64_cpuid_checked(0x80000007u, 0).d & CPUID_80000007D_INVARIANT_TSC) == 0;
    hz = hosted_clock_by_kernel ? NS_PER_SECOND : measure();
    ns_per_2_32_cycles = (uint64_t)(((unsigned __int128)NS_PER_SECOND << 32) / hz);
    cycles_per_retry = hz * (RETRY_NS / 1000) / 1000000;
    return hz;
}

void arch_clock_init(void)
{
    struct hosted_core *self = &hosted_cores[arch_core_id()];
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = HOSTED_SIGNAL_TIMER};
    long error;

    event._sigev_un._tid = self->tid;
    error = hosted_syscall(SYS_timer_create, CLOCK_MONOTONIC, (long)&event, (long)&self->timer, 0);
    if (error < 0)
        weft_panic("the kernel has no timer for core %u (error %ld): there is no usable timer",
                   arch_core_id(), -error);
}

/* One counter for all. */
void arch_clock_advance_irqoff(uint64_t cycles)
{
    (void)cycles;
}

void arch_clock_arm_irqoff(uint64_t deadline)
{
    struct hosted_core *self = &hosted_cores[arch_core_id()];
    uint64_t now = arch_clock_now_irqoff();
    uint64_t left = deadline > now ? deadline - now : 0;
    uint64_t ns = (uint64_t)(((unsigned __int128)left * ns_per_2_32_cycles) >> 32) + 1; /* 0: off */
    struct itimerspec value = {{0, 0}, {0, 0}};

    if (ns > FARTHEST_NS)
        ns = FARTHEST_NS; /* an early interrupt arms again */
    value.it_value.tv_sec = (time_t)(ns / NS_PER_SECOND);
    value.it_value.tv_nsec = (long)(ns % NS_PER_SECOND);
    self->armed = deadline;
    hosted_syscall(SYS_timer_settime, self->timer, 0, (long)&value, 0);
}

void hosted_clock_retry_irqoff(void)
{
    uint64_t now = arch_clock_now_irqoff(), armed = hosted_cores[arch_core_id()].armed;

    if (armed <= now ||
        armed - now > cycles_per_retry) /* it is this one that has just come, or late */
        arch_clock_arm_irqoff(now + cycles_per_retry);
}
