/* SPDX-License-Identifier: MIT */
/*
 * Help from the cores that a stop of the world has parked: whoever stopped it has their idle
 * threads call a function. A core that is asked and comes is noted in world.helping by the same
 * step, under the lock, that looks whether it is still asked; the end takes the question back under
 * the lock and waits until no core is noted. So no core is in the function when the world starts.
 *
 * The stop itself is not touched: a helping core's current thread is its idle thread, which no
 * thread can take the place of while the world is stopped.
 */
#include "sched/help.h"

#include "arch/cpu.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/cores.h"
#include "kernel/upcall.h"
#include "sched/sched.h"
#include "sched/world.h"

#if WEFT_CONFIG_CORES > 1

static void (*help_begin_irqoff(const struct core *core))(unsigned core)
{
    void (*help)(unsigned core) = NULL;

    sched_lock_irqoff();
    if (world_core_stopped_locked(core))
        help = world.help;
    if (help != NULL)
        world.helping |= 1u << core->id;
    sched_unlock_irqoff();
    return help;
}

static void help_end_irqoff(const struct core *core)
{
    sched_lock_irqoff();
    __atomic_store_n(&world.helping, world.helping & ~(1u << core->id), __ATOMIC_RELEASE);
    sched_unlock_irqoff();
}

void help_wanted_irqoff(const struct core *core)
{
    void (*help)(unsigned core) = help_begin_irqoff(core);

    if (help == NULL)
        return;
    arch_irq_enable();
    help(core->id);
    arch_irq_save();
    help_end_irqoff(core);
}

void upcall_world_help_begin(void (*help)(unsigned core))
{
    arch_irq_state state = sched_enter();

    ASSERT(world.holder == thread_current() && world.help == NULL && world.helping == 0);
    __atomic_store_n(&world.help, help, __ATOMIC_RELAXED);
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((cores_online() >> id & 1) != 0 && id != world.core)
            place_look_again_locked(&cores[id]);
    sched_exit(state);
}

void upcall_world_help_end(void)
{
    arch_irq_state state = sched_enter();

    ASSERT(world.holder == thread_current());
    __atomic_store_n(&world.help, NULL, __ATOMIC_RELAXED);
    sched_exit(state);
    while (__atomic_load_n(&world.helping, __ATOMIC_ACQUIRE) != 0)
        arch_cpu_relax();
}

#endif
