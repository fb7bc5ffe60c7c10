/* SPDX-License-Identifier: MIT */
/*
 * How fast the time stamp counter is. The CPU may say so itself; if not, it is measured against a
 * counter of known frequency, the most trustworthy one that counts: HPET, ACPI's power management
 * timer, 8254.
 *
 * A reading takes both counters, and something may come between the two (system management, an
 * emulator's host): of several tries the closest counts. All references are read often enough for
 * their width while waiting, so a wrap is never missed.
 */
#include "arch/amd64/amd64.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "boards/pc/pc.h"

#include "boards/devices/i8254.h"

#define FEMTOSECONDS 1000000000000000ull
#define HPET_CAPABILITIES 0x00u
#define HPET_CONFIGURATION 0x10u
#define HPET_COUNTER 0xf0u
#define HPET_ENABLE 1u
#define PM_TIMER_HZ 3579545u
#define SAMPLE_TRIES 8
#define MEASURE_FRACTION 50u      /* of a second: 20 ms */
#define STUCK_CYCLES (1ull << 32) /* no reference needs that long for 20 ms: it stands still */
#define PLAUSIBLE_HZ_MIN 1000000u
#define PLAUSIBLE_HZ_MAX 8000000000ull
#define HYPERVISOR_LEAF_TIMING                                                                     \
    0x40000010u /* VMware's, answered by QEMU and others too: kHz in EAX */

struct reference {
    uint64_t hz;
    uint32_t mask; /* of the counter's width */
    uint32_t (*read)(void);
};

struct sample {
    uint64_t cycles;
    uint32_t count;
};

static volatile uint32_t *hpet_register(unsigned offset)
{
    return (volatile uint32_t *)(uintptr_t)(pc_acpi.hpet + offset);
}

static uint32_t hpet_read(void)
{
    return *hpet_register(HPET_COUNTER);
}

static bool hpet_start(struct reference *reference)
{
    uint32_t period_fs;

    if (pc_acpi.hpet == 0)
        return false;
    period_fs = *hpet_register(HPET_CAPABILITIES + 4);
    if (period_fs < 1000000 || period_fs > 100000000) /* 100 ns at most, says the specification */
        return false;
    *hpet_register(HPET_CONFIGURATION) |= HPET_ENABLE;
    *reference = (struct reference){FEMTOSECONDS / period_fs, UINT32_MAX, hpet_read};
    return true;
}

static uint32_t pm_timer_read(void)
{
    return port_read32(pc_acpi.pm_timer);
}

static bool pm_timer_start(struct reference *reference)
{
    if (pc_acpi.pm_timer == 0)
        return false;
    *reference = (struct reference){PM_TIMER_HZ, pc_acpi.pm_timer_32bit ? UINT32_MAX : 0xffffff,
                                    pm_timer_read};
    return true;
}

static bool i8254_reference_start(struct reference *reference)
{
    i8254_start();
    *reference = (struct reference){I8254_HZ, 0xffff, i8254_elapsed};
    return true;
}

static struct sample sample_take(const struct reference *reference)
{
    struct sample best = {0, 0};
    uint64_t narrowest = UINT64_MAX;

    for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = arch_clock_now_irqoff();
        uint32_t count = reference->read();
        uint64_t after = arch_clock_now_irqoff();

        if (after - before < narrowest) {
            narrowest = after - before;
            best = (struct sample){before + narrowest / 2, count};
        }
    }
    return best;
}

/* The counter's frequency by this reference; 0 when that stands still or the result can't be. */
static uint64_t measure(const struct reference *reference)
{
    struct sample start = sample_take(reference);
    uint64_t wanted = reference->hz / MEASURE_FRACTION;
    uint32_t last = start.count;
    uint64_t counted = 0;
    struct sample end;
    uint64_t hz;

    while (counted < wanted) {
        uint32_t now = reference->read();

        counted += (now - last) & reference->mask;
        last = now;
        if (arch_clock_now_irqoff() - start.cycles > STUCK_CYCLES)
            return 0;
    }
    end = sample_take(reference);
    counted += (end.count - last) & reference->mask;
    hz = (uint64_t)((unsigned __int128)(end.cycles - start.cycles) * reference->hz / counted);
    return hz >= PLAUSIBLE_HZ_MIN && hz <= PLAUSIBLE_HZ_MAX ? hz : 0;
}

/* Leaf 0x15: the counter as a ratio to a crystal, whose frequency may be there as well. Hypervisors
 * have a leaf of their own. */
static uint64_t cpu_says(void)
{
    struct amd64_cpuid ratio = amd64_cpuid_checked(0x15, 0);

    if (ratio.a != 0 && ratio.b != 0 && ratio.c != 0)
        return (uint64_t)ratio.c * ratio.b / ratio.a;
    if (amd64_cpuid(1, 0).c & CPUID_1C_HYPERVISOR)
        return amd64_cpuid_checked(HYPERVISOR_LEAF_TIMING, 0).a * 1000ull;
    return 0;
}

uint64_t pc_clock_measure(void)
{
    static bool (*const starts[])(struct reference *) = {hpet_start, pm_timer_start,
                                                         i8254_reference_start};
    uint64_t hz = cpu_says();

    for (unsigned i = 0; hz == 0 && i < sizeof starts / sizeof starts[0]; i++) {
        struct reference reference;

        if (starts[i](&reference))
            hz = measure(&reference);
    }
    return hz;
}
