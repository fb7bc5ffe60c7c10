/* SPDX-License-Identifier: MIT */
/*
 * How fast the PC's counter is: boards/pc's clock_reference.c as it is, on a played CPU
 * (played_amd64.h) whose CPUID says so, which QEMU's TCG's does not; or does not.
 */
#include <criterion/criterion.h>

#include "boards/pc/pc.h"
#include "tests/unit/played_amd64.h"

#define PM_TIMER 0x608
#define CYCLES_PER_COUNT 838 /* 2.9997 GHz / 3.579545 MHz */
#define MEASURED_HZ (CYCLES_PER_COUNT * 3579545ull)

struct pc_acpi pc_acpi;

static uint64_t measure(void)
{
    uint64_t hz;

    played_begin();
    hz = pc_clock_measure();
    played_end();
    cr_assert_eq(played.fault[0], 0, "%s", played.fault);
    return hz;
}

static void reset(void)
{
    played_reset();
    played.pm_timer = pc_acpi.pm_timer = PM_TIMER;
    played.pm_timer_cycles = CYCLES_PER_COUNT;
    played.port_cycles = 1 << 19;
}

/* By ACPI's timer: as near as its ticks and the accesses allow. */
static void is_measured(uint64_t hz)
{
    cr_assert(hz > MEASURED_HZ - MEASURED_HZ / 1000 && hz < MEASURED_HZ + MEASURED_HZ / 1000,
              "%llu Hz", (unsigned long long)hz);
}

Test(amd64_rate, is_what_the_crystal_says)
{
    reset();
    played.ratio = (struct amd64_cpuid){.a = 2, .b = 216, .c = 38400000};
    cr_assert_eq(measure(), 4147200000u);
    played.ratio = (struct amd64_cpuid){.a = 3, .b = 250, .c = 24000000};
    cr_assert_eq(measure(), 2000000000u);
}

/* Some CPUs know the ratio to a crystal whose frequency they don't tell. */
Test(amd64_rate, is_measured_where_the_crystal_is_unknown)
{
    reset();
    played.ratio = (struct amd64_cpuid){.a = 2, .b = 216};
    is_measured(measure());
    played.ratio = (struct amd64_cpuid){.b = 216, .c = 24000000};
    is_measured(measure());
}

Test(amd64_rate, is_what_the_hypervisor_says)
{
    reset();
    played.features_1c |= CPUID_1C_HYPERVISOR;
    played.hypervisor_khz = 2400000;
    cr_assert_eq(measure(), 2400000000u);
    played.ratio = (struct amd64_cpuid){.a = 2, .b = 216};
    cr_assert_eq(measure(), 2400000000u);
    played.hypervisor_khz = 0;
    is_measured(measure());
    played.hypervisor_khz = 2400000; /* without one, the leaf is nobody's */
    played.features_1c &= ~CPUID_1C_HYPERVISOR;
    is_measured(measure());
}

Test(amd64_rate, is_measured_over_a_wrap_of_24_bits)
{
    reset();
    played.tsc = ((1u << 24) - 1000) * (uint64_t)CYCLES_PER_COUNT;
    is_measured(measure());
}

Test(amd64_rate, is_unknown_where_nothing_counts)
{
    reset();
    played.pm_timer = 0;
    played.port_cycles = 1 << 26; /* a second is over soon */
    cr_assert_eq(measure(), 0);
}
