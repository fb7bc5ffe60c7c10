/* SPDX-License-Identifier: MIT */
/*
 * CPU exceptions that the port does not handle itself: the application's handler, if it has one for
 * the cause; else the report (kernel/panic.c). The handler runs like an interrupt handler, and if
 * it made a better thread ready, the switch follows by a timer interrupt a few microseconds later:
 * the exception's own exit only resumes.
 *
 * A handler is asked only about threads that had interrupts on. Code with interrupts off is an
 * interrupt handler, an exception handler or the scheduler between two states of its queues: it
 * must go on exactly where it was, or not at all, so its exceptions are reported.
 */
#include <weft/console.h>
#include <weft/trap.h>

#include "arch/fpu.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/core.h"
#include "kernel/panic.h"
#include "kernel/tick.h"
#include "kernel/trap.h"

struct weft_trap {
    struct arch_frame *frame;
};

/* Written by threads, read in exceptions of any core: the handler last, so that a reader that finds
 * it finds its argument. */
static struct {
    weft_trap_handler handler;
    void *argument;
} handlers[WEFT_TRAP_CAUSES];

/* What the handler that runs on a core is about; NULL: none runs there. */
static const struct arch_frame *handled[WEFT_CONFIG_CORES];

int weft_trap_handle(enum weft_trap_cause cause, weft_trap_handler handler, void *argument)
{
    arch_irq_state state;

    if ((unsigned)cause >= WEFT_TRAP_CAUSES)
        return WEFT_EINVAL;
    state = arch_irq_save();
    __atomic_store_n(&handlers[cause].handler, NULL, __ATOMIC_SEQ_CST);
    handlers[cause].argument = argument;
    __atomic_store_n(&handlers[cause].handler, handler, __ATOMIC_SEQ_CST);
    arch_irq_restore(state);
    return 0;
}

static bool call_handler(struct core *core, struct arch_frame *frame, enum weft_trap_cause cause)
{
    weft_trap_handler handler = __atomic_load_n(&handlers[cause].handler, __ATOMIC_ACQUIRE);
    struct arch_frame *interrupted = core->frame;
    struct weft_trap trap = {frame};
    bool unit_was_on, resume;

    if (handler == NULL)
        return false;
    ASSERT(handled[core->id] == NULL); /* it would have interrupts off */
    handled[core->id] = frame;
    SHARED_STORE(core->interrupt_depth, core->interrupt_depth + 1);
    core->frame = frame;
    unit_was_on = arch_fpu_hide();
    resume = handler(&trap, cause, handlers[cause].argument);
    arch_fpu_show(unit_was_on);
    core->frame = interrupted;
    SHARED_STORE(core->interrupt_depth, core->interrupt_depth - 1);
    handled[core->id] = NULL;
    if (core_reschedule_asked(core) && core->interrupt_depth == 0)
        tick_retry_soon_irqoff();
    if (resume && cause == WEFT_TRAP_PAGE)
        upcall_page_trap_handled();
    return resume;
}

void upcall_exception(struct arch_frame *frame)
{
    struct core *core = core_self();

    if (core->current != NULL && arch_frame_irq_enabled(frame) &&
        call_handler(core, frame, arch_frame_trap(frame)))
        return;
    panic_exception(frame, handled[core->id]);
}

/* ---- what a handler sees ---- */

uintptr_t weft_trap_pc(const struct weft_trap *trap)
{
    return arch_frame_pc(trap->frame);
}

void weft_trap_set_pc(struct weft_trap *trap, uintptr_t pc)
{
    arch_frame_set_pc(trap->frame, pc);
}

bool weft_trap_in_delay_slot(const struct weft_trap *trap)
{
    return arch_frame_in_delay_slot(trap->frame);
}

bool weft_trap_address(const struct weft_trap *trap, uintptr_t *address)
{
    return arch_frame_bad_address(trap->frame, address);
}

const char *weft_trap_name(const struct weft_trap *trap)
{
    return arch_frame_cause(trap->frame);
}

int weft_trap_register(const struct weft_trap *trap, unsigned number, uintptr_t *value)
{
    const uintptr_t *at = arch_frame_register(trap->frame, number);

    if (at == NULL || value == NULL)
        return WEFT_EINVAL;
    *value = *at;
    return 0;
}

int weft_trap_set_register(struct weft_trap *trap, unsigned number, uintptr_t value)
{
    uintptr_t *at = arch_frame_register(trap->frame, number);

    if (at == NULL)
        return WEFT_EINVAL;
    *at = value;
    return 0;
}

int weft_trap_skip(struct weft_trap *trap)
{
    return arch_frame_skip(trap->frame) ? 0 : WEFT_ENOTSUP;
}
