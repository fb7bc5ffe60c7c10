/* SPDX-License-Identifier: MIT */
/*
 * The other cores: found in the ACPI tables, started by INIT and startup interrupts, one at a time
 * (Intel SDM volume 3, 8.4.4.1), interrupted through the local APIC.
 */
#include <string.h>

#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "boards/pc/pc.h"
#include "boards/pc/secondary.h"
#include "kernel/core.h"
#include "kernel/cores.h"

#define NOBODY UINT32_MAX
#define DELIVER_INIT 0x4500u
#define DELIVER_STARTUP 0x4600u
#define DELIVER_NMI 0x4400u
#define DELIVER_FIXED 0x4000u
#define INIT_WAIT_US 10000u
#define STARTUP_WAIT_US 200u

extern const char pc_trampoline[], pc_trampoline_end[];

/* Read by secondary.S. */
uint32_t pc_secondary_id = NOBODY;
uint32_t pc_secondary_cr0;

static uint32_t apic_of_core[WEFT_CONFIG_CORES];
static unsigned next_apic; /* in pc_acpi.apic_ids */

static void wait_us(uint64_t us)
{
    uint64_t end = arch_clock_now_irqoff() + us * board_clock_hz() / 1000000u;

    while (arch_clock_now_irqoff() < end)
        arch_cpu_relax();
}

/* The next local APIC in the tables that is not core 0's. */
static bool find_apic(uint32_t *apic)
{
    while (next_apic < pc_acpi.cores && next_apic < PC_CORES_MAX) {
        *apic = pc_acpi.apic_ids[next_apic++];
        if (*apic != lapic_id())
            return true;
    }
    return false;
}

static bool taken(void)
{
    return __atomic_load_n(&pc_secondary_id, __ATOMIC_ACQUIRE) == NOBODY;
}

bool board_core_start(unsigned id)
{
    uint32_t apic;

    if (!find_apic(&apic))
        return false;
    memcpy((void *)PC_TRAMPOLINE, pc_trampoline, (size_t)(pc_trampoline_end - pc_trampoline));
    pc_secondary_cr0 = (uint32_t)amd64_read_cr0() & ~CR0_TS;
    __atomic_store_n(&pc_secondary_id, id, __ATOMIC_RELEASE);
    lapic_send(apic, DELIVER_INIT);
    wait_us(INIT_WAIT_US);
    for (unsigned i = 0; i < 2 && !taken(); i++) {
        lapic_send(apic, DELIVER_STARTUP | PC_TRAMPOLINE >> 12);
        wait_us(STARTUP_WAIT_US);
    }
    return true;
}

void board_core_init(void)
{
    apic_of_core[core_self()->id] = lapic_id();
}

static uint32_t flush_asked; /* a bit for each core */

void pc_core_flush_if_asked(void)
{
    uint32_t bit = 1u << core_self()->id;

    if ((__atomic_fetch_and(&flush_asked, ~bit, __ATOMIC_ACQ_REL) & bit) != 0)
        amd64_write_cr3(amd64_read_cr3());
}

/* Asks and does not wait: the thread that the page guards has not run yet, and the interrupt is
 * taken before any core can come to it. */
void pc_cores_flush(void)
{
    arch_irq_state state = arch_irq_save();
    unsigned self = core_self()->id;
    uint32_t others = cores_online() & ~(1u << self);

    __atomic_fetch_or(&flush_asked, others, __ATOMIC_ACQ_REL);
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((others >> id & 1) != 0)
            board_ipi_send(id);
    arch_irq_restore(state);
}

void board_ipi_send(unsigned core)
{
    lapic_send(apic_of_core[core], DELIVER_FIXED | VECTOR_IPI);
}

bool board_nmi_send(unsigned core)
{
    lapic_send(apic_of_core[core], DELIVER_NMI);
    return true;
}
