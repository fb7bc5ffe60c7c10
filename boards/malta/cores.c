/* SPDX-License-Identifier: MIT */
/*
 * More than one core: the coherence manager of P5600 and its relatives, with its cluster power
 * controller, which lets cores go, and its global interrupt controller. Sources: MIPS MD01025,
 * "P5600 Multiprocessing System Software User's Manual", chapters on the coherence manager (GCRs),
 * the CPC and the GIC.
 *
 * Under QEMU 7.2 the cores appear as virtual processors (VPs) of core 0. The GIC takes the 8259's
 * line as its shared interrupt 3 and passes it to core 0 on the pin it always had (IP2); each core
 * has one shared interrupt for being interrupted by others, on IP3, raised and dropped by software
 * through the edge register. Count/Compare stays on IP7 of its own core.
 *
 * Each core counts time on its own Count. The GIC has a counter that all can read; pairs of the
 * two, read together, tell a new core how far core 0's clock has come meanwhile.
 */
#include "kernel/cores.h"
#include "arch/clock.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"
#include "boards/malta/malta.h"
#include "kernel/board.h"
#include "kernel/core.h"

#define KSEG1 0xa0000000u
#define CONFIG3_CMGCR (1u << 29)

/* Global control registers, from CMGCRBase. */
#define GCR_GIC_BASE 0x0080
#define GCR_CPC_BASE 0x0088
#define GCR_CL_OTHER 0x2018
#define GCR_CO_RESET_BASE 0x4020
#define GCR_ENABLE 1u

#define GIC_PHYSICAL 0x1bdc0000u
#define CPC_PHYSICAL 0x1bde0000u
#define CPC_VP_RUN 0x2028

/* The GIC's shared section, and the part of the core that looks. */
#define GIC_SH_CONFIG 0x0000
#define GIC_SH_COUNTER 0x0010 /* low word */
#define GIC_SH_WEDGE 0x0280
#define GIC_SH_SMASK 0x0380
#define GIC_SH_MAP_PIN 0x0500 /* + 4 * interrupt */
#define GIC_SH_MAP_VP 0x2000  /* + 32 * interrupt */
#define GIC_VP_RMASK 0x800c
#define GIC_WEDGE_RAISE 0x80000000u
#define GIC_TO_PIN 0x80000000u
#define GIC_LOCAL_ALL 0x7fu

#define INTERRUPT_8259 3u
#define INTERRUPT_IPI 40u /* + core; QEMU's board uses none above 16 */
#define MOMENT_READINGS 32u
#define RATE_CYCLES 200000u /* apart: some milliseconds at 100 MHz */
#define SET_TRIES 16u
#define CLOSE_CYCLES 8u
#define PIN_IP2 0u
#define PIN_IP3 1u

static uintptr_t gcr; /* kseg1; 0: this CPU has no coherence manager */

static void write32(uintptr_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static void gic_write(unsigned offset, uint32_t value)
{
    write32((KSEG1 | GIC_PHYSICAL) + offset, value);
}

static uint32_t gic_read(unsigned offset)
{
    return *(volatile uint32_t *)((KSEG1 | GIC_PHYSICAL) + offset);
}

/* The GIC's counter and this core's time, at one moment: the closest of several readings. */
struct moment {
    uint32_t common;
    uint64_t time;
};

static struct moment moment_take(void)
{
    struct moment best = {0, 0};
    uint64_t shortest = UINT64_MAX;

    for (unsigned i = 0; i < MOMENT_READINGS; i++) {
        uint64_t before = arch_clock_now_irqoff();
        uint32_t common = gic_read(GIC_SH_COUNTER);
        uint64_t took = arch_clock_now_irqoff() - before;

        if (took < shortest) {
            shortest = took;
            best = (struct moment){common, before + took / 2};
        }
    }
    return best;
}

/* Core 0's, at boot and before it starts another core. */
static struct moment first, latest;

/* How far this core's clock is behind core 0's: from core 0's latest moment, at the rate between
 * the two. Modulo 2^64. */
static uint64_t clock_behind(void)
{
    struct moment here = moment_take();
    uint64_t rate_time = latest.time - first.time;
    uint32_t rate_common = latest.common - first.common;
    uint64_t since = (here.common - latest.common) * rate_time / rate_common;

    return latest.time + since - here.time;
}

/* Continues core 0's clock on this core. Setting it takes a few cycles that are lost (an emulator
 * may lose many), so it is looked at again. */
static void clock_take_over(void)
{
    uint64_t behind = clock_behind();

    for (unsigned i = 0; i < SET_TRIES && behind + CLOSE_CYCLES > 2 * CLOSE_CYCLES; i++) {
        arch_clock_advance_irqoff(behind);
        behind = clock_behind();
    }
}

static bool has_coherence_manager(void)
{
    uint32_t config1, config2, config3;

    __asm__ volatile("mfc0 %0, $16, 1" : "=r"(config1));
    __asm__ volatile("mfc0 %0, $16, 2" : "=r"(config2));
    if (config1 >> 31 == 0 || config2 >> 31 == 0)
        return false;
    __asm__ volatile("mfc0 %0, $16, 3" : "=r"(config3));
    return (config3 & CONFIG3_CMGCR) != 0;
}

/* Sends a shared interrupt to a pin of a core. */
static void gic_route(unsigned interrupt, unsigned core, unsigned pin)
{
    gic_write(GIC_SH_MAP_PIN + 4 * interrupt, GIC_TO_PIN | pin);
    gic_write(GIC_SH_MAP_VP + 32 * interrupt, 1u << core);
    gic_write(GIC_SH_SMASK + interrupt / 32 * 4, 1u << interrupt % 32);
}

void malta_cores_init(void)
{
    uint32_t base;

    if (!has_coherence_manager())
        return;
    __asm__ volatile("mfc0 %0, $15, 3" : "=r"(base)); /* CMGCRBase: physical address >> 4 */
    gcr = KSEG1 | base << 4;
    write32(gcr + GCR_CPC_BASE, CPC_PHYSICAL | GCR_ENABLE);
    write32(gcr + GCR_GIC_BASE, GIC_PHYSICAL | GCR_ENABLE);
    gic_route(INTERRUPT_8259, 0, PIN_IP2);
    first = moment_take();
    board_core_init();
}

static void interrupt_lines_enable(void)
{
    uint32_t status;

    __asm__ volatile("mfc0 %0, $12\n\tor %0, %0, %1\n\tmtc0 %0, $12\n\tehb"
                     : "=&r"(status)
                     : "r"(STATUS_IM2 | STATUS_IM3)
                     : "memory");
}

/* The same lines on every core, since a thread takes its Status along. The GIC's own timer is not
 * used; it would fire whenever its counter wraps. */
void board_core_init(void)
{
    if (gcr == 0)
        return;
    if (core_self()->id != 0)
        clock_take_over();
    gic_write(GIC_VP_RMASK, GIC_LOCAL_ALL);
    gic_route(INTERRUPT_IPI + core_self()->id, core_self()->id, PIN_IP3);
    interrupt_lines_enable();
}

bool board_core_start(unsigned id)
{
    uint32_t config;

    if (gcr == 0)
        return false;
    config = gic_read(GIC_SH_CONFIG);
    if (id >= (config & 0x3f))
        return false; /* PVPS: how many cores the GIC serves */
    do {
        latest = moment_take();
    } while (latest.time - first.time < RATE_CYCLES);
    write32(gcr + GCR_CL_OTHER, id);
    write32(gcr + GCR_CO_RESET_BASE, (uint32_t)(uintptr_t)arch_secondary_start);
    __asm__ volatile("sync" ::: "memory");
    write32((KSEG1 | CPC_PHYSICAL) + CPC_VP_RUN, 1u << id);
    return true;
}

void board_ipi_send(unsigned core)
{
    __asm__ volatile("sync" ::: "memory"); /* what it is to find comes first */
    gic_write(GIC_SH_WEDGE, GIC_WEDGE_RAISE | (INTERRUPT_IPI + core));
}

bool board_nmi_send(unsigned core)
{
    (void)core; /* an NMI of a MIPS core starts it afresh: it can't be sent to look at one */
    return false;
}

static uint32_t empty_asked; /* a bit for each core */

void malta_ipi_acknowledge(void)
{
    uint32_t bit = 1u << core_self()->id;

    gic_write(GIC_SH_WEDGE, INTERRUPT_IPI + core_self()->id);
    __asm__ volatile("sync" ::: "memory");
    if (WEFT_CONFIG_STACK_MAPPED &&
        (__atomic_fetch_and(&empty_asked, ~bit, __ATOMIC_ACQ_REL) & bit) != 0)
        mips_tlb_empty_irqoff();
}

/* The thread that the new guard is for has not run yet, and a core that comes to it takes the
 * interrupt before the thread's first instruction. */
void malta_cores_empty_tlbs(void)
{
    arch_irq_state state = arch_irq_save();
    uint32_t others = cores_online() & ~(1u << core_self()->id);

    __atomic_fetch_or(&empty_asked, others, __ATOMIC_ACQ_REL);
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((others >> id & 1) != 0)
            board_ipi_send(id);
    arch_irq_restore(state);
}
