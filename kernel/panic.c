/* SPDX-License-Identifier: MIT */
/*
 * The end of the program when something is wrong with it: one report, then the exit status. Nothing
 * here takes a lock, allocates or waits; a second panic inside the report cuts it short, a third
 * leaves only the exit status, and one inside that just halts.
 */
#include "kernel/panic.h"

#include <stdint.h>
#include <weft/console.h>
#include <weft/thread.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/console.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/print.h"
#include "kernel/upcall.h"

const struct upcall_profiler *upcall_profiler;

static volatile uint32_t panics;

int panic_begun(void)
{
    return panics != 0;
}

static void panic_enter(void)
{
    arch_irq_save(); /* for good */
    core_self()->preempt_off++;
    if (WEFT_CONFIG_CORES > 1)
        cores_freeze_irqoff(); /* of two cores that panic at once, one stands still in here */
    panics++;
    if (panics == 3)
        board_exit(PANIC_STATUS);
    if (panics > 3)
        arch_cpu_halt();
    console_die();
}

_Noreturn static void panic_leave(void)
{
    if (upcall_profiler != NULL)
        upcall_profiler->crash();
    board_exit(PANIC_STATUS);
}

static const char *current_name(void)
{
    struct core *core = core_self();

    return core->current != NULL ? weft_thread_name(core->current) : "boot";
}

void panic_open(void)
{
    panic_enter();
    print_console("\npanic: ");
}

_Noreturn void panic_close(void)
{
    print_console("\non core %u, %s \"%s\"\n\n", (unsigned)core_self()->id,
                  core_in_interrupt() ? "in an interrupt of thread" : "thread", current_name());
    if (WEFT_CONFIG_UNWIND && panics == 1) {
        upcall_dump_here();
        upcall_dump_threads();
    }
    panic_leave();
}

_Noreturn void weft_panic(const char *format, ...)
{
    va_list arguments;

    panic_open();
    va_start(arguments, format);
    console_vprint(format, arguments);
    va_end(arguments);
    panic_close();
}

_Noreturn void panic_exception(struct arch_frame *frame, const struct arch_frame *handled)
{
    const char *overflowed = NULL;
    uintptr_t address;

    panic_enter();
    print_console("\npanic: %s at pc=0x%08lx", arch_frame_cause(frame),
                  (unsigned long)arch_frame_pc(frame));
    if (arch_frame_bad_address(frame, &address)) {
        print_console(", address 0x%08lx", (unsigned long)address);
        overflowed = upcall_overflowed(address, arch_frame_sp(frame));
    }
    if (overflowed != NULL)
        print_console("\nthread \"%s\" has overflowed its stack: give it a larger stack_bytes",
                      overflowed);
    if (handled != NULL)
        print_console("\nin the trap handler for: %s at pc=0x%08lx", arch_frame_cause(handled),
                      (unsigned long)arch_frame_pc(handled));
    print_console("\non core %u, %s \"%s\"\n\n", (unsigned)core_self()->id,
                  core_in_interrupt() ? "in an interrupt of thread" : "thread", current_name());
    arch_frame_print(frame);
    print_console("\n");
    if (WEFT_CONFIG_UNWIND && panics == 1) {
        upcall_dump_frame(frame);
        if (core_self()->interrupt_depth++ == 0)
            core_self()->frame = frame; /* that is where the thread stands, not in here */
        upcall_dump_threads();
    }
    panic_leave();
}

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
    weft_panic("assertion failed: %s (%s:%d)", condition, file, line);
}
