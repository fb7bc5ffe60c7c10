/* SPDX-License-Identifier: MIT */
/* The played CPU's local APIC, its timer, and model-specific registers. Source: Intel SDM volume 3,
 * the chapter on the APIC (10, in newer editions 11); there 5.4.1 for the deadline mode, 12 for
 * x2APIC mode. */
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/played_amd64_inside.h"

#define SPURIOUS_ENABLE (1u << 8)
#define TIMER_MODE(lvt) ((lvt) >> 17 & 3)
#define MODE_DEADLINE 2
#define COST_APIC 100 /* cycles */

struct played played;

void played_fault(const char *format, ...)
{
    va_list arguments;

    if (played.fault[0] != 0)
        return;
    va_start(arguments, format);
    vsnprintf(played.fault, sizeof played.fault, format, arguments);
    va_end(arguments);
}

struct played_core *played_self(void)
{
    return &played.cores[played.core];
}

void played_note(enum played_kind kind, uint32_t number, uint64_t value)
{
    if (played.events < PLAYED_EVENTS)
        played.event[played.events++] = (struct played_event){kind, number, value, played.core};
}

int played_find(unsigned from, enum played_kind kind, uint32_t number)
{
    for (unsigned i = from; i < played.events; i++)
        if (played.event[i].kind == kind && played.event[i].number == number)
            return (int)i;
    return -1;
}

/* ---- the local APIC -------------------------------------------------------------------------- */

uint32_t *played_apic_at(struct played_core *core, uint32_t offset)
{
    return &core->apic[offset / 16 % 64];
}

static bool timer_silent(struct played_core *core)
{
    return (core->apic_base & APIC_BASE_ENABLE) == 0 ||
           (*played_apic_at(core, LAPIC_SPURIOUS) & SPURIOUS_ENABLE) == 0 ||
           (*played_apic_at(core, LAPIC_LVT_TIMER) & LAPIC_MASKED) != 0;
}

static unsigned timer_divisor(struct played_core *core)
{
    uint32_t field = *played_apic_at(core, LAPIC_TIMER_DIVIDE);
    unsigned power = (field & 3) | (field >> 1 & 4);

    return power == 7 ? 1 : 2u << power;
}

/* Cycles after which the countdown has made that many ticks. */
static uint64_t timer_cycles(struct played_core *core, uint64_t ticks)
{
    return (ticks * timer_divisor(core) * played.per_cycles + played.ticks - 1) / played.ticks;
}

static uint32_t timer_current(struct played_core *core)
{
    uint32_t initial = *played_apic_at(core, LAPIC_TIMER_INITIAL);
    uint64_t passed =
        (played.tsc - core->count_start) * played.ticks / played.per_cycles / timer_divisor(core);

    if (TIMER_MODE(*played_apic_at(core, LAPIC_LVT_TIMER)) == MODE_DEADLINE || played.ticks == 0)
        return played.ticks == 0 ? initial : 0;
    return passed < initial ? initial - (uint32_t)passed : 0;
}

uint64_t played_timer_fires(unsigned number)
{
    struct played_core *core = &played.cores[number];
    uint32_t initial = *played_apic_at(core, LAPIC_TIMER_INITIAL);

    if (timer_silent(core))
        return NEVER;
    if (TIMER_MODE(*played_apic_at(core, LAPIC_LVT_TIMER)) == MODE_DEADLINE) {
        if (core->deadline == 0)
            return NEVER;
        return core->deadline > played.tsc ? core->deadline : played.tsc; /* equals or exceeds */
    }
    if (initial == 0 || played.ticks == 0)
        return NEVER;
    return core->count_start + timer_cycles(core, initial);
}

unsigned played_advance(uint64_t tsc)
{
    struct played_core *core = played_self();
    uint64_t fires = played_timer_fires(played.core);

    if (tsc > played.tsc)
        played.tsc = tsc;
    if (fires == NEVER || fires > played.tsc)
        return 0;
    core->deadline = 0; /* each write of either makes one interrupt at most */
    *played_apic_at(core, LAPIC_TIMER_INITIAL) = 0;
    return 1;
}

static uint32_t lvt_legal(struct played_core *core, uint32_t offset, uint32_t value)
{
    if (offset == LAPIC_LVT_TIMER) {
        bool deadline = TIMER_MODE(value) == MODE_DEADLINE;

        if (TIMER_MODE(value) == 3 || (deadline && !(played.features_1c & CPUID_1C_TSC_DEADLINE)))
            played_fault("the timer's mode %u, which this CPU does not have", TIMER_MODE(value));
        if (deadline != (TIMER_MODE(*played_apic_at(core, offset)) == MODE_DEADLINE)) {
            core->deadline = 0; /* a change of the mode disarms */
            *played_apic_at(core, LAPIC_TIMER_INITIAL) = 0;
        }
    }
    if ((*played_apic_at(core, LAPIC_SPURIOUS) & SPURIOUS_ENABLE) == 0)
        value |= LAPIC_MASKED; /* as long as the APIC is off */
    return value;
}

/* The write takes effect. */
static void apic_written(struct played_core *core, uint32_t offset, uint32_t value)
{
    if (offset >= LAPIC_LVT_TIMER && offset <= LAPIC_LVT_ERROR)
        value = lvt_legal(core, offset, value);
    if (offset == LAPIC_TIMER_INITIAL) {
        if (TIMER_MODE(*played_apic_at(core, LAPIC_LVT_TIMER)) == MODE_DEADLINE)
            return; /* ignored */
        core->count_start = played.tsc;
    }
    if (offset == LAPIC_SPURIOUS && (value & SPURIOUS_ENABLE) == 0)
        for (uint32_t lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
            *played_apic_at(core, lvt) |= LAPIC_MASKED;
    *played_apic_at(core, offset) = value;
}

/* Only the last one can be unseen: uncached stores are in order among themselves. */
void played_apic_settle(struct played_core *core)
{
    if (core->posted_at != 0)
        apic_written(core, core->posted_at, core->posted);
    core->posted_at = 0;
}

void played_apic_store(uint32_t offset, uint32_t value)
{
    struct played_core *core = played_self();

    played_apic_settle(core);
    core->posted_at = offset;
    core->posted = value;
    played_note(PLAYED_APIC_WRITE, offset, value);
    played.tsc += COST_APIC;
}

uint32_t played_apic_read(uint32_t offset)
{
    struct played_core *core = played_self();

    played.tsc += COST_APIC;
    played_apic_settle(core);
    if (offset == LAPIC_ID)
        return core->apic_base & APIC_BASE_X2APIC ? played.core : played.core << 24;
    return offset == LAPIC_TIMER_CURRENT ? timer_current(core) : *played_apic_at(core, offset);
}

/* ---- model-specific registers ---------------------------------------------------------------- */

uint64_t played_msr_read(uint32_t msr)
{
    struct played_core *core = played_self();

    if (msr == MSR_APIC_BASE)
        return core->apic_base;
    if (msr == MSR_TSC_DEADLINE && (played.features_1c & CPUID_1C_TSC_DEADLINE))
        return core->deadline;
    if (msr >= MSR_X2APIC && msr < MSR_X2APIC + 64 && (core->apic_base & APIC_BASE_X2APIC))
        return played_apic_read((msr - MSR_X2APIC) * 16);
    played_fault("#GP: model-specific register 0x%x is read", msr);
    return 0;
}

static void apic_base_write(struct played_core *core, uint64_t value)
{
    bool on = value & APIC_BASE_ENABLE, x2 = value & APIC_BASE_X2APIC;
    bool was_on = core->apic_base & APIC_BASE_ENABLE, was_x2 = core->apic_base & APIC_BASE_X2APIC;

    if ((x2 && !on) || (x2 && !was_on) || (was_x2 && on && !x2))
        played_fault("#GP: from APIC base 0x%llx to 0x%llx", (unsigned long long)core->apic_base,
                     (unsigned long long)value);
    else
        core->apic_base = value;
}

static void deadline_write(struct played_core *core, uint64_t value)
{
    if ((played.features_1c & CPUID_1C_TSC_DEADLINE) == 0)
        played_fault("#GP: this CPU has no IA32_TSC_DEADLINE");
    else if (TIMER_MODE(*played_apic_at(core, LAPIC_LVT_TIMER)) == MODE_DEADLINE)
        core->deadline = value; /* in other modes: ignored */
}

void played_msr_write(uint32_t msr, uint64_t value)
{
    struct played_core *core = played_self();

    played_note(PLAYED_MSR_WRITE, msr, value);
    if (msr == MSR_APIC_BASE) {
        apic_base_write(core, value);
    } else if (msr == MSR_TSC_DEADLINE) {
        deadline_write(core, value);
    } else if (msr >= MSR_X2APIC && msr < MSR_X2APIC + 64 && (core->apic_base & APIC_BASE_X2APIC)) {
        uint32_t offset = (msr - MSR_X2APIC) * 16;

        if (offset == LAPIC_ID || offset == LAPIC_COMMAND_HIGH || offset == LAPIC_TIMER_CURRENT ||
            (value >> 32 != 0 && offset != LAPIC_COMMAND) || (offset == LAPIC_EOI && value != 0))
            played_fault("#GP: 0x%llx into x2APIC register 0x%x", (unsigned long long)value, msr);
        played_note(PLAYED_APIC_WRITE, offset, value);
        apic_written(core, offset, (uint32_t)value);
    } else {
        played_fault("#GP: model-specific register 0x%x is written", msr);
    }
}
