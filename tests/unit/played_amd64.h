/* SPDX-License-Identifier: MIT */
/*
 * The privileged side of an amd64 CPU, played in a process: the port's own objects run on it as
 * they are. Between played_begin and played_end every instruction is single-stepped, and those that
 * a process may not execute, or that have to answer for a CPU that the host is not (CPUID, RDTSC),
 * are done by the handler instead: model-specific registers, the local APIC with its timer in both
 * modes, control registers, XCR0. So emulators that lack a feature can't hide code that needs it.
 *
 * Where the manual leaves an order open, the player takes the worse one: a store to the local
 * APIC's page stays unseen until something orders it. What would raise an exception on a CPU is
 * noted in `fault`, and nothing else happens. Time goes forward only by what the instructions cost.
 */
#ifndef TESTS_UNIT_PLAYED_AMD64_H
#define TESTS_UNIT_PLAYED_AMD64_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/amd64/amd64.h"

#define PLAYED_CORES 2
#define PLAYED_APIC 0xfee00000u
#define PLAYED_EVENTS 512
#define NEVER UINT64_MAX

enum played_kind {
    PLAYED_APIC_WRITE = 1, /* number: offset of the register, in x2APIC mode too */
    PLAYED_MSR_WRITE,
    PLAYED_MFENCE,
    PLAYED_VECTORS, /* number: enum played_vectors */
};

enum played_vectors {
    PLAYED_FXSAVE = 1,
    PLAYED_XSAVE,
    PLAYED_XSAVEC,
    PLAYED_FXRSTOR,
    PLAYED_XRSTOR,
};

struct played_event {
    enum played_kind kind;
    uint32_t number;
    uint64_t value;
    unsigned core;
};

struct played_core {
    uint64_t apic_base;
    uint32_t apic[64];          /* registers by offset / 16 */
    uint64_t count_start;       /* when the initial count was written */
    uint64_t deadline;          /* IA32_TSC_DEADLINE */
    uint32_t posted_at, posted; /* a store to the page that nobody sees yet; 0: none */
    void *gs;
};

struct played {
    /* The CPU, as CPUID describes it. */
    uint32_t features_1c;     /* leaf 1, ECX */
    uint32_t features_7d;     /* leaf 0x80000007, EDX */
    uint32_t components;      /* leaf 0xd: what XCR0 may enable */
    uint32_t xsave_features;  /* leaf 0xd, 1, EAX */
    struct amd64_cpuid ratio; /* leaf 0x15 */
    uint32_t hypervisor_khz;  /* leaf 0x40000010, EAX */
    /* Its APIC timer, divided by 1, makes this many ticks in so many cycles. */
    uint32_t ticks, per_cycles;

    /* ACPI's timer, 24 bits, at this port counts once in so many cycles; 0: all ports read as ones.
     */
    uint16_t pm_timer;
    uint64_t pm_timer_cycles;
    uint64_t port_cycles; /* what a port's access takes */

    /* Its state. */
    uint64_t tsc, cr0, cr4;
    uint32_t xcr0;
    bool interrupts_on;
    unsigned core; /* the one that runs */
    struct played_core cores[PLAYED_CORES];

    /* What it did. */
    char fault[160]; /* the first exception; empty: none */
    struct played_event event[PLAYED_EVENTS];
    unsigned events;
    unsigned steps;
};

extern struct played played;

/* A CPU after reset, with all that there is; then change `played` to the one wanted. */
void played_reset(void);

/* The other core runs from now on; `gs` of it is what GS points at. Outside begin and end. */
void played_core_is(unsigned core);

/* Single steps; assembly begins and ends them by INT3 itself. */
void played_begin(void);
void played_end(void);

/* When the core's timer interrupts, as things are: NEVER if it does not. */
uint64_t played_timer_fires(unsigned core);

/* Time goes forward to `tsc`: how often the core's timer has interrupted meanwhile. */
unsigned played_advance(uint64_t tsc);

/* The first event of that sort from `from` on; -1: none. */
int played_find(unsigned from, enum played_kind kind, uint32_t number);

#endif
