/* SPDX-License-Identifier: MIT */
/*
 * Starting the other cores.
 *
 * One at a time: core 0 asks the board to start core n, which comes out of the port's reset code on
 * its own system stack in upcall_boot_core, prepares its traps, FPU, interrupt controller and
 * clock, and says that it is there. Then it waits for the others, and turns into its idle thread.
 * A core that the image was built for but the machine does not have, or that does not answer within
 * CORE_ANSWERS_MS, is left out with a line on the console: its threads' share goes to the others.
 *
 * Clocks. Deadlines mean the same on every core: where cores count time on counters of their own,
 * the board gives a new core core 0's time (board_core_init).
 */
#include "kernel/cores.h"

#include <weft/console.h>

#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/fpu.h"
#include "arch/tls.h"
#include "arch/trap.h"
#include "arch/unwind.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/core.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"

#define CORE_ANSWERS_MS 1000u
#define FREEZE_MS 100u /* a core with its interrupts off for longer is reported as running */

uint32_t cores_running = 1; /* the ones that said they are there */

static uint32_t all_started; /* the waiting cores may begin to run threads */

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

_Noreturn void upcall_boot_core(unsigned id)
{
    struct core *core = &cores[id];

    ASSERT(id < WEFT_CONFIG_CORES && core == core_self());
    arch_trap_init();
    arch_fpu_init(core);
    if (WEFT_CONFIG_TLS)
        core_tls_used_set(core, arch_tls_init());
    board_core_init();
    __atomic_fetch_or(&cores_running, 1u << id, __ATOMIC_ACQ_REL);
    while (load(&all_started) == 0)
        arch_cpu_relax();
    tick_core_init();
    upcall_sched_start_core();
}

/* ---- freezing ---- */

uint32_t cores_freezer, cores_frozen;

void cores_stand_still_irqoff(void)
{
    const struct core *core = core_self();

    if (load(&cores_freezer) == core->id + 1)
        return; /* it is this core that does it: a trap inside its report */
    __atomic_fetch_or(&cores_frozen, 1u << core->id, __ATOMIC_ACQ_REL);
    while (load(&cores_freezer) != 0)
        arch_cpu_relax();
    __atomic_fetch_and(&cores_frozen, ~(1u << core->id), __ATOMIC_ACQ_REL);
}

/* True when this core has become the one that freezes. */
static bool freezer_become(const struct core *core)
{
    uint32_t nobody = 0;

    return __atomic_compare_exchange_n(&cores_freezer, &nobody, core->id + 1, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
           nobody == core->id + 1;
}

static void freeze_others(const struct core *core)
{
    uint64_t limit;
    uint32_t others = cores_online() & ~(1u << core->id);

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((others >> id & 1) != 0)
            board_ipi_send(id);
    limit = arch_clock_now_irqoff() + tick_ns_to_cycles(FREEZE_MS * 1000000ull);
    while ((load(&cores_frozen) & others) != others && arch_clock_now_irqoff() < limit)
        arch_cpu_relax();
}

void cores_freeze_irqoff(void)
{
    const struct core *core = core_self();

    while (!freezer_become(core))
        cores_stand_still_irqoff();
    freeze_others(core);
}

bool cores_freeze_first_irqoff(void)
{
    const struct core *core = core_self();

    if (!freezer_become(core)) {
        cores_stand_still_irqoff();
        return false;
    }
    freeze_others(core);
    return true;
}

void cores_thaw_irqoff(void)
{
    store(&cores_freezer, 0);
}

/* ---- holding ---- */

struct cores_hold cores_hold[WEFT_CONFIG_CORES];

void cores_be_held_irqoff(bool frame_is_full)
{
    struct cores_hold *hold = &cores_hold[core_self()->id];
    struct arch_unwind here;

    hold->here = &here;
    hold->frame_is_full = frame_is_full;
    if (!frame_is_full)
        arch_unwind_here(&here);
    store(&hold->held, 1);
    while (load(&hold->wanted) != 0)
        arch_cpu_relax();
    store(&hold->held, 0);
}

bool cores_hold_irqoff(unsigned core, uint64_t limit_cycles)
{
    struct cores_hold *hold = &cores_hold[core];
    uint64_t limit = arch_clock_now_irqoff() + limit_cycles;

    if (load(&hold->held) != 0)
        return false; /* it has not noticed yet that it was let go */
    store(&hold->wanted, 1);
    if (!board_nmi_send(core))
        board_ipi_send(core);
    while (load(&hold->held) == 0) {
        if (arch_clock_now_irqoff() >= limit)
            return false;
        arch_cpu_relax();
    }
    return true;
}

void cores_release_irqoff(unsigned core)
{
    store(&cores_hold[core].wanted, 0);
}

/* ---- starting ---- */

static void start_one(unsigned id)
{
    uint64_t limit = arch_clock_now_irqoff() + tick_ns_to_cycles(CORE_ANSWERS_MS * 1000000ull);

    core_init(id);
    if (!board_core_start(id)) {
        print_console("weft: this machine has no core %u; going on without it\n", id);
        return;
    }
    while ((load(&cores_running) >> id & 1) == 0) {
        if (arch_clock_now_irqoff() > limit) {
            print_console("weft: core %u does not answer; going on without it\n", id);
            return;
        }
    }
}

void cores_start(void)
{
    for (unsigned id = 1; id < WEFT_CONFIG_CORES; id++)
        start_one(id);
    store(&all_started, 1);
}
