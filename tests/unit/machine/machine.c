/* SPDX-License-Identifier: MIT */
#include "tests/unit/machine/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <weft/console.h>

#include "arch/clock.h"
#include "arch/context.h"
#include "arch/tls.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/panic.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "mem/scavenger.h"
#include "mem/stack.h"
#include "sched/sched.h"

#define STACK_BYTES 262144u /* of the host: its printf needs more than weft's stacks have */

/* An hour: nobody waits for that long here. */
#define IDLE_MAX_CYCLES (3600ull * MACHINE_HZ)

bool machine_irq_on;
uint64_t machine_clock;
char machine_said[1024];
unsigned machine_ticks, machine_interrupts;
struct core cores[WEFT_CONFIG_CORES];

static ucontext_t home;
static bool panicked;
static uint64_t armed = UINT64_MAX;
static void (*main_function)(void);

/* ---- contexts ---- */

struct context {
    ucontext_t host;
    void (*entry)(void *argument);
    void *argument;
};

static void begin(unsigned high, unsigned low)
{
    struct context *context = (struct context *)((uintptr_t)high << 32 | low);

    context->entry(context->argument);
}

void *arch_context_init(void *stack_top, void (*entry)(void *argument), void *argument)
{
    struct context *context = calloc(1, sizeof *context);

    (void)stack_top;
    getcontext(&context->host);
    context->host.uc_stack.ss_sp = malloc(STACK_BYTES);
    context->host.uc_stack.ss_size = STACK_BYTES;
    context->entry = entry;
    context->argument = argument;
    makecontext(&context->host, (void (*)(void))begin, 2, (unsigned)((uintptr_t)context >> 32),
                (unsigned)(uintptr_t)context);
    return context;
}

void arch_switch(void **save_sp, void *next_sp)
{
    struct context here;

    *save_sp = &here;
    swapcontext(&here.host, &((struct context *)next_sp)->host);
}

/* ---- time and its interrupt ---- */

void arch_clock_init(void)
{
}

void arch_clock_arm_irqoff(uint64_t deadline)
{
    armed = deadline;
}

void machine_deliver(void)
{
    while (machine_irq_on && armed <= machine_clock) {
        struct arch_frame frame = {.sp = cores[0].current->stack_hi - 64, .irq_enabled = true};

        machine_irq_on = false;
        machine_interrupts++;
        armed = UINT64_MAX;
        if (upcall_timer(&frame))
            upcall_preempt();
        machine_irq_on = true;
    }
}

void machine_spend(uint64_t ns)
{
    uint64_t left = tick_ns_to_cycles(ns);

    while (left > 0) {
        uint64_t step = armed - machine_clock < left ? armed - machine_clock : left;

        machine_clock += step;
        left -= step;
        if (machine_irq_on)
            machine_deliver();
        else if (step == 0) /* the interrupt waits */
            machine_clock += left, left = 0;
    }
}

void arch_cpu_idle_irqoff(void)
{
    if (armed == UINT64_MAX || armed > IDLE_MAX_CYCLES)
        weft_panic("the machine idles for ever");
    if (machine_clock < armed)
        machine_clock = armed;
    arch_irq_enable();
}

/* Nothing comes between its look and its wait. */
void arch_cpu_idle_resume(struct arch_frame *frame)
{
    (void)frame;
}

/* ---- the end ---- */

_Noreturn static void stop(void)
{
    setcontext(&home);
    abort();
}

static void say(const char *format, va_list arguments)
{
    size_t used = strlen(machine_said);

    vsnprintf(machine_said + used, sizeof machine_said - used, format, arguments);
}

void print_console(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

int panic_begun(void)
{
    return panicked;
}

void panic_open(void)
{
    panicked = true;
}

_Noreturn void panic_close(void)
{
    stop();
}

_Noreturn void weft_panic(const char *format, ...)
{
    va_list arguments;

    panic_open();
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    panic_close();
}

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
    weft_panic("assertion failed: %s (%s:%d)", condition, file, line);
}

static void main_thread(void)
{
    main_function();
    stop();
}

bool machine_run(void (*function)(void))
{
    static uint32_t system_stack[64];
    volatile bool started = false;

    main_function = function;
    getcontext(&home);
    if (started)
        return !panicked;
    started = true;
    cores[0].preempt_off = 1;
    cores[0].system_stack_lo = (uintptr_t)system_stack;
    cores[0].system_stack_hi = (uintptr_t)(system_stack + 64);
    system_stack[0] = CORE_STACK_CANARY;
    tick_init();
    upcall_sched_init();
    upcall_sched_start(main_thread);
}

/* ---- what else the scheduler asks for ---- */

uint64_t board_clock_hz(void)
{
    return MACHINE_HZ;
}

bool board_wakes(void)
{
    return false;
}

size_t board_guard_bytes(void)
{
    return 0;
}

bool board_guard_set(void *page, const void *end)
{
    (void)page, (void)end;
    return false;
}

void board_guard_clear(void *page, const void *end)
{
    (void)page, (void)end;
}

void board_ipi_send(unsigned core)
{
    (void)core;
    abort();
}

void *stack_alloc(size_t bytes, size_t *usable_bytes)
{
    *usable_bytes = bytes;
    return malloc(bytes);
}

void stack_free(void *stack, size_t usable_bytes)
{
    (void)usable_bytes;
    free(stack);
}

size_t arch_tls_bytes(void)
{
    return 0;
}

uintptr_t arch_tls_make(uintptr_t top)
{
    return top;
}

void arch_tls_switch(uintptr_t from, uintptr_t to)
{
    (void)from, (void)to;
}

void newlib_thread_end(struct weft_thread *thread)
{
    (void)thread;
}

bool cache_flush_wanted(const struct core *core)
{
    (void)core;
    return false;
}

void cache_flush_idle(void)
{
}

_Noreturn void core_stack_died(const struct core *core)
{
    weft_panic("core %u's stack", (unsigned)core->id);
}

void upcall_sample(struct core *core, const struct arch_frame *frame, uint32_t due)
{
    (void)core, (void)frame, (void)due;
    machine_ticks++;
}

static const struct upcall_profiler profiler = {.sample = upcall_sample};
const struct upcall_profiler *upcall_profiler = &profiler;
const struct upcall_sites *upcall_sites;

void upcall_dump_frame(const struct arch_frame *frame)
{
    (void)frame;
}
