/* SPDX-License-Identifier: MIT */
/*
 * The PC's timer, arch/amd64's clock.c and lapic.c as they are, on a played CPU (played_amd64.h)
 * that has the TSC deadline mode, which QEMU's TCG does not; and without it. The contract is
 * arch/clock.h's: an interrupt at the deadline or soon after, also when that has passed; early ones
 * are allowed.
 */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <weft/console.h>

#include "arch/amd64/frame.h"
#include "arch/clock.h"
#include "kernel/core.h"
#include "tests/unit/played_amd64.h"

#define LVT_DEADLINE (2u << 17 | VECTOR_TIMER)
#define LVT_ONE_SHOT VECTOR_TIMER
#define X2APIC_ON (1u << 10)
#define FARTHEST (1ull << 30) /* the countdown's, clock.c */
#define CLOSE 2000            /* cycles that arming may take, and a tick's rounding */

/* What the port wants of the rest of weft. */
struct core cores[WEFT_CONFIG_CORES];
struct amd64_core amd64_cores[WEFT_CONFIG_CORES];

static jmp_buf panicked;
static char said[256];

void weft_panic(const char *format, ...)
{
    va_list arguments;

    played_end();
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    longjmp(panicked, 1);
}

struct cpu {
    const char *name;
    bool deadline_mode, x2apic;
};

static const struct cpu cpus[] = {
    {"TSC deadline, xAPIC", true, false},
    {"TSC deadline, x2APIC", true, true},
    {"countdown, xAPIC", false, false},
    {"countdown, x2APIC", false, true},
};

static const struct cpu *cpu = cpus;

#define EACH_CPU for (cpu = cpus; cpu < cpus + sizeof cpus / sizeof cpus[0]; cpu++)

static void reset(void)
{
    played_reset();
    if (!cpu->deadline_mode)
        played.features_1c &= ~CPUID_1C_TSC_DEADLINE;
    played.ticks = 1;
    played.per_cycles = 30; /* 100 MHz beside 3 GHz */
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++) {
        cores[i].id = i;
        amd64_cores[i] = (struct amd64_core){.id = i, .core = &cores[i]};
        played.cores[i].gs = &amd64_cores[i];
        if (cpu->x2apic)
            played.cores[i].apic_base |= X2APIC_ON;
    }
}

static void fine(void)
{
    cr_assert_eq(played.fault[0], 0, "%s: %s", cpu->name, played.fault);
    cr_assert_lt(played.events, PLAYED_EVENTS);
}

/* A core's way to its timer at boot; it is not armed yet. */
static void boot(unsigned core)
{
    played_core_is(core);
    played_begin();
    lapic_init();
    arch_clock_init();
    played_end();
    fine();
    cr_assert_eq(played_timer_fires(core), NEVER, "%s: armed by nobody", cpu->name);
}

static void arm(uint64_t deadline)
{
    played_begin();
    arch_clock_arm_irqoff(deadline);
    played_end();
    fine();
}

static uint32_t lvt(unsigned core)
{
    return played.cores[core].apic[LAPIC_LVT_TIMER / 16];
}

/* The core's timer interrupts at `deadline`; the countdown up to a tick and the arming later, and
 * wrong by what its rate is: a tick of those that it was measured over. */
static void fires_at(unsigned core, uint64_t deadline)
{
    uint64_t fires = played_timer_fires(core);
    uint64_t error = cpu->deadline_mode ? 0 : (deadline - played.tsc) / 100000;
    uint64_t late = cpu->deadline_mode ? 0 : CLOSE + error;

    cr_assert(fires >= deadline - error && fires <= deadline + late,
              "%s: fires at %llu, armed for %llu", cpu->name, (unsigned long long)fires,
              (unsigned long long)deadline);
}

Test(amd64_timer, mode_is_the_one_that_cpuid_names)
{
    EACH_CPU
    {
        unsigned events;

        reset();
        boot(0);
        cr_assert_eq(lvt(0), cpu->deadline_mode ? LVT_DEADLINE : LVT_ONE_SHOT, "%s: 0x%x",
                     cpu->name, lvt(0));
        events = played.events;
        arm(played.tsc + 300000);
        /* Each write is to the mode's own register, and to no other. */
        cr_assert_eq(played_find(0, PLAYED_MSR_WRITE, MSR_TSC_DEADLINE) >= 0, cpu->deadline_mode);
        cr_assert_eq(played_find(events, PLAYED_APIC_WRITE, LAPIC_TIMER_INITIAL) < 0,
                     cpu->deadline_mode);
    }
}

/* The clock is the counter that the deadline is compared with: neither what its rate is called nor
 * whether it is constant says anything about the mode. */
Test(amd64_timer, mode_does_not_depend_on_the_counters_rate)
{
    reset();
    played.features_7d = 0;
    boot(0);
    cr_assert_eq(lvt(0), LVT_DEADLINE);
    arm(played.tsc + 300000);
    fires_at(0, played.cores[0].deadline);
}

/* A deadline written before the mode is seen would be ignored (SDM 3, 10.5.4.1): the first is armed
 * straight after, and the store to the page needs MFENCE to be seen by then. */
Test(amd64_timer, mode_is_seen_before_the_first_deadline)
{
    EACH_CPU
    {
        int mode, fence, deadline;

        reset();
        played_core_is(0);
        played_begin();
        lapic_init();
        arch_clock_init();
        arch_clock_arm_irqoff(5000000);
        played_end();
        fine();
        if (!cpu->deadline_mode)
            continue;
        fires_at(0, 5000000);
        deadline = played_find(0, PLAYED_MSR_WRITE, MSR_TSC_DEADLINE);
        for (mode = deadline; played.event[mode].number != LAPIC_LVT_TIMER; mode--)
            cr_assert_gt(mode, 0);
        fence = played_find((unsigned)mode, PLAYED_MFENCE, 0);
        cr_assert_eq(played.event[mode].value, LVT_DEADLINE);
        cr_assert(cpu->x2apic || (fence > mode && fence < deadline), "%s: events %d, %d, %d",
                  cpu->name, mode, fence, deadline);
    }
}

/* "Also when it has passed already"; 0 is such a time, though the register takes it for "disarm".
 */
Test(amd64_timer, past_deadline_interrupts_at_once)
{
    EACH_CPU
    {
        reset();
        boot(0);
        for (unsigned i = 0; i < 4; i++) {
            const uint64_t deadlines[] = {0, 1, played.tsc - 1, played.tsc};

            arm(deadlines[i]);
            fires_at(0, played.tsc);
            cr_assert_eq(played_advance(played.tsc + CLOSE), 1, "%s: %u", cpu->name, i);
            cr_assert_eq(played_advance(played.tsc + FARTHEST), 0, "%s: twice", cpu->name);
        }
    }
}

/* A counter that has run for years, and deadlines on both sides of a wrap of its lower half. */
Test(amd64_timer, deadlines_have_64_bits)
{
    const uint64_t starts[] = {0xffff0000, 0x1ffff8000, 0x3fffffff0000, 0x7ffffffffff00000};

    EACH_CPU
    {
        reset();
        boot(0);
        for (unsigned i = 0; i < sizeof starts / sizeof starts[0]; i++) {
            played_advance(starts[i]);
            for (uint64_t left = 60000; left <= 60000000; left *= 10) {
                uint64_t deadline = starts[i] + left;

                arm(deadline);
                if (cpu->deadline_mode)
                    cr_assert_eq(played.cores[0].deadline, deadline);
                fires_at(0, deadline);
            }
        }
    }
}

/* The countdown reaches only so far: it interrupts early, is armed again, and is on time at last.
 */
Test(amd64_timer, far_deadline_is_reached)
{
    EACH_CPU
    {
        uint64_t deadline;
        unsigned interrupts = 0;

        reset();
        boot(0);
        deadline = played.tsc + 10 * FARTHEST + 12345;
        while (played.tsc < deadline) {
            uint64_t fires;

            arm(deadline);
            fires = played_timer_fires(0);
            cr_assert(fires <= deadline + CLOSE, "%s: %llu too late", cpu->name,
                      (unsigned long long)(fires - deadline));
            cr_assert_eq(played_advance(fires), 1);
            interrupts++;
        }
        cr_assert(interrupts == (cpu->deadline_mode ? 1 : 11), "%s: %u interrupts", cpu->name,
                  interrupts);
    }
}

/* UINT64_MAX, as an idle core without sleepers has it. */
Test(amd64_timer, farthest_deadline_does_not_wrap)
{
    EACH_CPU
    {
        uint64_t fires;

        reset();
        boot(0);
        arm(UINT64_MAX);
        fires = played_timer_fires(0);
        cr_assert(cpu->deadline_mode ? fires == UINT64_MAX : fires - played.tsc >= FARTHEST - CLOSE,
                  "%s: fires after %llu cycles", cpu->name,
                  (unsigned long long)(fires - played.tsc));
    }
}

Test(amd64_timer, new_deadline_replaces_the_old)
{
    EACH_CPU
    {
        uint64_t start;

        reset();
        boot(0);
        start = played.tsc;
        arm(start + 3000000);
        arm(start + 90000); /* earlier */
        fires_at(0, start + 90000);
        arm(start + 6000000); /* later */
        fires_at(0, start + 6000000);
        cr_assert_eq(played_advance(start + 5999999), 0);
        cr_assert_eq(played_advance(start + 6000000 + CLOSE), 1);
        cr_assert_eq(played_advance(start + 60000000), 0);
    }
}

/* The mode, the divisor and the deadline are each core's own; core 1's mode of the APIC is core
 * 0's. */
Test(amd64_timer, each_core_has_its_own)
{
    EACH_CPU
    {
        uint64_t first, second;

        reset();
        played.cores[1].apic_base = PLAYED_APIC; /* off */
        boot(0);
        first = played.tsc + 30000000000;
        if (cpu->deadline_mode)
            arm(first);
        boot(1);
        cr_assert_eq(played.cores[1].apic_base, played.cores[0].apic_base, "%s", cpu->name);
        cr_assert_eq(lvt(1), lvt(0));
        second = played.tsc + 600000;
        arm(second);
        fires_at(1, second);
        if (cpu->deadline_mode)
            fires_at(0, first);
        else
            cr_assert_eq(played_timer_fires(0), NEVER);
    }
}

/* However fast the countdown is beside the counter: not before the deadline, and not much later. */
Test(amd64_timer, countdown_is_measured)
{
    const uint32_t rates[][2] = {{1, 1000}, {24, 2400}, {1, 3}, {1000, 999},
                                 {7, 2},    {5, 1},     {63, 1}};

    cpu = &cpus[2];
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        reset();
        played.ticks = rates[i][0];
        played.per_cycles = rates[i][1];
        boot(0);
        for (unsigned shift = 12; shift <= 30; shift += 3) {
            uint64_t start = played.tsc, left = 1ull << shift, fires;

            arm(start + left);
            fires = played_timer_fires(0) - start;
            cr_assert(fires >= left - left / 1000 && fires <= left + left / 1000 + CLOSE,
                      "%u ticks in %u cycles: armed for %llu cycles, fires after %llu", rates[i][0],
                      rates[i][1], (unsigned long long)left, (unsigned long long)fires);
        }
    }
}

Test(amd64_timer, countdown_that_stands_still_is_said)
{
    cpu = &cpus[2];
    reset();
    played.ticks = 0;
    if (setjmp(panicked) == 0) {
        boot(0);
        cr_assert(false, "it did not panic");
    }
    cr_assert_not_null(strstr(said, "does not count"), "%s", said);
}

/* In x2APIC mode a register's write passes stores: what an interrupt is about must be seen first.
 */
Test(amd64_timer, interrupt_to_another_core_comes_after_what_it_is_about)
{
    cpu = &cpus[1];
    reset();
    boot(0);
    played.events = 0;
    played_begin();
    lapic_send(0x12345, 0x4000u | VECTOR_IPI);
    played_end();
    fine();
    cr_assert_eq(played.event[0].kind, PLAYED_MFENCE);
    cr_assert_eq(played.event[1].kind, PLAYED_MSR_WRITE);
    cr_assert_eq(played.event[1].number, (uint32_t)MSR_X2APIC + LAPIC_COMMAND / 16);
    cr_assert_eq(played.event[1].value, 0x1234500004000ull | VECTOR_IPI);
}
