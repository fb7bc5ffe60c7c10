/* SPDX-License-Identifier: MIT */
/*
 * Stack dumps as text, in the layout that readers of Go's dumps know:
 *
 *      thread 18 "name" [queue receive, 3 ms]:
 *      pc=0x80012344
 *      pc=0x80010008
 *      created by pc=0x80001234
 *
 * with one empty line after each thread. The pcs are call sites; the host tool (weft symbolize)
 * puts functions, files and lines there. A stack that could not be walked to its end says so in a
 * line of its own.
 *
 * Everything is printed by print_console. weft_stack diverts the calling thread's printing into its
 * buffer; what an interrupt handler or a dying system prints meanwhile goes to the console all the
 * same, so the buffer holds the dump and nothing else (requirements E2). Nothing is allocated, and
 * no stack's lock is waited for: a stack whose lock is taken is named and left out.
 *
 * Threads are read while they can't run: a thread that asks for all stacks stops the world; a
 * handler or a dying system freezes the other cores where they are (kernel/cores.h). Otherwise
 * preemption is off during the dump. To the console, which is slow, a thread's stop lasts as long
 * as it takes to write one stack into memory: the world goes on while that is printed.
 */
#include <weft/dump.h>
#include <weft/world.h>

#include "arch/trap.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "prof/unwind.h"
#include "sched/thread.h"
#include "sched/world.h"

#define NS_PER_US 1000u
#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u
#define NS_PER_MINUTE 60000000000u

/* A stack to walk, from some point of it. */
struct dump_stack {
    struct arch_unwind registers;
    bool exact;    /* registers.pc is an interrupted instruction */
    unsigned skip; /* innermost frames that are the dump's own */
    uintptr_t lo, hi;
};

/* Where a core's current thread prints while it is inside weft_stack, with preemption off, so that
 * core and thread stay together. */
struct diversion {
    struct print_sink sink;
    char *bytes;
    size_t capacity, used;
};

static struct diversion *diversions[WEFT_CONFIG_CORES];

static void diversion_write(struct print_sink *sink, const char *bytes, size_t count)
{
    struct diversion *diversion = (struct diversion *)sink; /* its first member */

    for (size_t i = 0; i < count && diversion->used < diversion->capacity; i++)
        diversion->bytes[diversion->used++] = bytes[i];
}

bool upcall_print_diverted(const char *format, va_list arguments)
{
    const struct core *core = core_self();
    struct diversion *diversion = diversions[core->id];

    if (diversion == NULL || core->interrupt_depth > 0)
        return false;
    print_format(&diversion->sink, format, arguments);
    return true;
}

static void divert_to(struct diversion *diversion)
{
    upcall_diverted = upcall_print_diverted;
    diversions[core_self()->id] = diversion;
}

static void divert_no_more(void)
{
    diversions[core_self()->id] = NULL;
}

static void print_pc(const char *before, uintptr_t pc)
{
    if (sizeof pc == 4)
        print_console("%spc=0x%08lx\n", before, (unsigned long)pc);
    else
        print_console("%spc=0x%016lx\n", before, (unsigned long)pc);
}

/* ---- a thread's first line ---- */

/* ", 3 minutes": the largest unit that is not 0, rounded down. */
static void print_duration(uint64_t ns)
{
    unsigned long minutes = (unsigned long)(ns / NS_PER_MINUTE);

    if (minutes > 0)
        print_console(", %lu minute%s", minutes, minutes == 1 ? "" : "s");
    else if (ns >= NS_PER_S)
        print_console(", %lu s", (unsigned long)(ns / NS_PER_S));
    else if (ns >= NS_PER_MS)
        print_console(", %lu ms", (unsigned long)(ns / NS_PER_MS));
    else
        print_console(", %lu us", (unsigned long)(ns / NS_PER_US));
}

static uint64_t waiting_ns(const struct weft_thread *thread)
{
    uint64_t now = tick_now(), since = thread_wait_since(thread);

    return now > since ? tick_cycles_to_ns(now - since) : 0;
}

static void print_state(const struct weft_thread *thread)
{
    if (thread->state == THREAD_BLOCKED) {
        print_console("%s", thread_wait_name((enum thread_wait)thread->wait_reason));
        print_duration(waiting_ns(thread));
    } else if (thread->state == THREAD_EXITED) {
        print_console("exited");
    } else {
        print_console(thread_state(thread) == THREAD_RUNNING ? "running" : "ready");
    }
}

static void print_thread_head(const struct weft_thread *thread)
{
    print_console("thread %lu \"%s\" [", (unsigned long)thread->id,
                  thread->name != NULL ? thread->name : "thread");
    print_state(thread);
    print_console("]:\n");
}

static void print_thread_tail(const struct weft_thread *thread)
{
    if (thread->created_by != 0)
        print_pc("created by ", thread->created_by);
    print_console("\n");
}

static void print_cut(enum log_reason reason)
{
    if (reason != REASON_FULL && reason != REASON_LEAF)
        print_console("(stack ends here: %s)\n", unwind_reason_name(reason));
}

/* ---- stacks ---- */

/* The lines of one stack; how it ended. */
static struct unwind_result print_stack(struct dump_stack *stack)
{
    unwind_pc pcs[WEFT_CONFIG_UNWIND_DEPTH];
    struct unwind_result result = unwind_walk(NULL, &stack->registers, stack->exact, stack->lo,
                                              stack->hi, pcs, WEFT_CONFIG_UNWIND_DEPTH);

    for (unsigned i = stack->skip; i < result.depth; i++)
        print_pc("", pcs[i]);
    return result;
}

static bool on_system_stack(const struct core *core, uintptr_t sp)
{
    return sp > core->system_stack_lo && sp <= core->system_stack_hi;
}

/* Bounds for a stack of this core whose stack pointer is `sp`: the system stack, else `thread`'s.
 */
static void stack_bounds(struct dump_stack *stack, const struct core *core,
                         const struct weft_thread *thread)
{
    uintptr_t sp = stack->registers.value[ARCH_UNWIND_SP];

    if (on_system_stack(core, sp) || thread == NULL) {
        stack->lo = core->system_stack_lo;
        stack->hi = core->system_stack_hi;
    } else {
        stack->lo = thread_stack_floor(thread); /* it may have overflowed */
        stack->hi = thread->stack_hi;
    }
}

/* The stack from `stack->registers`, which are the caller's own. On the system stack (a handler, a
 * panic) it goes on with the thread's own stack, from where that was interrupted. */
static void print_own_stack(const struct core *core, struct dump_stack *stack)
{
    struct unwind_result result;

    stack_bounds(stack, core, core->current);
    result = print_stack(stack);
    if (result.crossed) {
        stack->exact = true;
        stack->skip = 0;
        stack_bounds(stack, core, core->current);
        result = print_stack(stack);
    }
    print_cut(result.reason);
}

/* The interrupted context's stack. */
static void print_frame_stack(const struct core *core, const struct arch_frame *frame)
{
    struct dump_stack stack;

    arch_unwind_from_frame(&stack.registers, frame);
    stack.exact = true;
    stack.skip = 0;
    print_own_stack(core, &stack);
}

/* A thread that is not running: its registers are on its stack. */
static void print_parked_stack(struct weft_thread *thread)
{
    struct dump_stack stack;
    unwind_pc pcs[WEFT_CONFIG_UNWIND_DEPTH];
    struct unwind_result result = {.reason = REASON_NO_LOCK};

    if (thread->on_core) {
        result.reason = REASON_SWITCHING;
    } else if (thread_stack_trylock(thread)) {
        arch_unwind_from_parked(&stack.registers, thread->saved_sp);
        result = unwind_walk(NULL, &stack.registers, false, thread->stack_lo, thread->stack_hi, pcs,
                             WEFT_CONFIG_UNWIND_DEPTH);
        thread_stack_unlock(thread);
    }
    for (unsigned i = 0; i < result.depth; i++)
        print_pc("", pcs[i]);
    print_cut(result.reason);
}

/* ---- whole dumps ---- */

/* The running thread: from `here`, or, in a handler, as it was interrupted. */
static void dump_current(struct dump_stack *here)
{
    const struct core *core = core_self();
    const struct weft_thread *thread = core->current;

    if (thread == NULL)
        return;
    print_thread_head(thread);
    if (core->interrupt_depth > 0 && core->frame != NULL)
        print_frame_stack(core, core->frame);
    else
        print_own_stack(core, here);
    print_thread_tail(thread);
}

/* A thread that runs on another core: from where that core stands still, if it does. */
static void print_elsewhere(const struct weft_thread *thread)
{
    const struct core *core = &cores[thread->core];

    if (cores_is_frozen(core->id) && core->current == thread)
        print_frame_stack(core, core->frame);
    else
        print_console("(running on core %u)\n", (unsigned)core->id);
}

static bool is_other(const struct weft_thread *thread)
{
    return thread != core_self()->current && thread->state != THREAD_EXITED;
}

static void dump_other(struct weft_thread *thread)
{
    print_thread_head(thread);
    if (WEFT_CONFIG_CORES > 1 && thread_state(thread) == THREAD_RUNNING)
        print_elsewhere(thread);
    else
        print_parked_stack(thread);
    print_thread_tail(thread);
}

static void dump_others(void)
{
    for (struct weft_thread *thread = thread_all_first(); thread != NULL; thread = thread->all_next)
        if (is_other(thread))
            dump_other(thread);
}

/* ---- one thread at a time ---- */

/* The deepest stack, with some room for the name: 64 lines of 22 bytes. What does not fit is cut.
 */
#define ONE_BYTES (WEFT_CONFIG_UNWIND_DEPTH * 22 + 256)

static struct {
    uint32_t taken;
    char text[ONE_BYTES + 1];
} one;

/* The thread with the lowest number above `after`: threads are listed in the order of their birth.
 */
static struct weft_thread *other_after(uint32_t after)
{
    struct weft_thread *thread = thread_all_first();

    while (thread != NULL && (thread->id <= after || !is_other(thread)))
        thread = thread->all_next;
    return thread;
}

/* Stops the world, and writes the next thread's part of the dump into `one`. Returns its number, or
 * 0: that was all. */
static uint32_t take_one(uint32_t after)
{
    struct diversion diversion = {{diversion_write}, one.text, ONE_BYTES, 0};
    struct weft_thread *thread;
    uint32_t id = 0;

    weft_world_stop("stack dump");
    thread = other_after(after);
    if (thread != NULL) {
        id = thread->id;
        divert_to(&diversion);
        dump_other(thread);
        divert_no_more();
    }
    weft_world_start();
    one.text[diversion.used] = 0;
    return id;
}

static uint32_t newest_id(void)
{
    uint32_t newest = 0;

    weft_world_stop("stack dump");
    for (struct weft_thread *thread = thread_all_first(); thread != NULL; thread = thread->all_next)
        newest = thread->id;
    weft_world_start();
    return newest;
}

/* All threads that there are now, as each is when its turn comes. False: somebody else is at it. */
static bool dump_others_in_turn(void)
{
    uint32_t last, id;

    if (__atomic_exchange_n(&one.taken, 1, __ATOMIC_ACQUIRE) != 0)
        return false;
    last = newest_id();
    for (id = take_one(0); id != 0 && id <= last; id = take_one(id))
        print_console("%s", one.text);
    __atomic_store_n(&one.taken, 0, __ATOMIC_RELEASE);
    return true;
}

/* What the public functions share. Each takes the registers itself, in its own frame, which is the
 * one that is skipped; it is still there while the walk runs. */
#define DUMP_STACK_HERE(stack)                                                                     \
    struct dump_stack stack;                                                                       \
    stack.exact = true;                                                                            \
    stack.skip = 1;                                                                                \
    arch_unwind_here(&stack.registers)

/* Keeps other threads from running during the dump. True: the world was stopped for it. A thread
 * that has stopped the world already, or may not, only keeps its core. */
static bool dump_begin(bool all)
{
    bool stop = all && world_may_stop();

    if (stop)
        weft_world_stop("stack dump");
    else
        core_preempt_disable();
    return stop;
}

static void dump_end(bool stopped)
{
    if (stopped)
        weft_world_start();
    else
        core_preempt_enable();
}

__attribute__((noinline)) size_t weft_stack(char *buffer, size_t bytes, bool all)
{
    struct diversion diversion = {{diversion_write}, buffer, bytes, 0};
    bool stopped;

    DUMP_STACK_HERE(stack);
    ASSERT(!core_in_interrupt());
    ASSERT(buffer != NULL || bytes == 0);
    stopped = dump_begin(all);
    divert_to(&diversion);
    dump_current(&stack);
    if (all)
        dump_others();
    divert_no_more();
    dump_end(stopped);
    return diversion.used;
}

__attribute__((noinline)) void weft_threads_dump(void)
{
    bool stopped;

    DUMP_STACK_HERE(stack);
    stopped = dump_begin(false);
    dump_current(&stack);
    dump_end(stopped);
    if (world_may_stop() && dump_others_in_turn())
        return;
    stopped = dump_begin(true);
    dump_others();
    dump_end(stopped);
}

__attribute__((noinline)) void upcall_dump_threads(void)
{
    DUMP_STACK_HERE(stack);
    dump_current(&stack);
    dump_others();
}

__attribute__((noinline)) void upcall_dump_here(void)
{
    DUMP_STACK_HERE(stack);
    print_own_stack(core_self(), &stack);
}

void upcall_dump_frame(const struct arch_frame *frame)
{
    print_frame_stack(core_self(), frame);
}
