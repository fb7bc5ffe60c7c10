/* SPDX-License-Identifier: MIT */
/*
 * Threads: made, joined, ended.
 *
 * A thread is one piece of memory: from the top down its control block, its FPU area, its stack. It
 * comes from mem/stack.h or from the caller. Whoever learns last that the thread has ended gives it
 * back: the joiner, or, for a detached thread, the next one that spawns, joins or idles
 * (thread_reap).
 */
#include <string.h>
#include <weft/console.h>

#include "arch/context.h"
#include "arch/fpu.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "mem/stack.h"
#include "sched/sched.h"

#define MAIN_STACK_BYTES (2 * WEFT_CONFIG_STACK_BYTES)

/* All threads, runtime threads included. Guarded by interrupts being off (one core) or the list
 * lock. */
static struct {
    struct weft_thread *first, *last;
    uint32_t next_id;
    uint32_t count;     /* without runtime threads */
} all = {.next_id = 1}; /* which is main's */

/* What the entry function of a thread is called with. */
struct start {
    void *(*entry)(void *argument);
    void *argument;
};

struct weft_thread *thread_all_first(void)
{
    return all.first;
}

static void all_add_locked(struct weft_thread *thread)
{
    if (thread->id == 0)
        thread->id = ++all.next_id;
    thread->all_previous = all.last;
    if (all.last != NULL)
        all.last->all_next = thread;
    else
        all.first = thread;
    all.last = thread;
    all.count += !thread->runtime;
}

static void all_remove_locked(struct weft_thread *thread)
{
    if (thread->all_previous != NULL)
        thread->all_previous->all_next = thread->all_next;
    else
        all.first = thread->all_next;
    if (thread->all_next != NULL)
        thread->all_next->all_previous = thread->all_previous;
    else
        all.last = thread->all_previous;
    all.count -= !thread->runtime;
}

/* First code of every thread: interrupts are off and the lock is held, as across any switch. */
static void thread_entry(void *argument)
{
    struct start start = *(struct start *)argument;

    sched_unlock_irqoff(); /* taken by whoever switched here */
    arch_irq_enable();
    weft_thread_exit(start.entry(start.argument));
}

_Noreturn void upcall_thread_returned(void)
{
    weft_panic(
        "a thread's first frame returned, which it never does: its stack has been overwritten");
}

/* Fields that do not depend on where the thread's memory came from. */
static void thread_fill(struct weft_thread *thread, const struct weft_thread_attr *attr)
{
    *thread = (struct weft_thread){.magic = THREAD_MAGIC,
                                   .state = THREAD_READY,
                                   .priority = (uint8_t)attr->priority,
                                   .base_priority = (uint8_t)attr->priority,
                                   .detached = attr->detached,
                                   .affinity = attr->cores != 0 ? attr->cores : UINT32_MAX,
                                   .name = attr->name != NULL ? attr->name : "thread"};
    thread->slice_left = (uint32_t)tick_ns_to_cycles(WEFT_CONFIG_SLICE_US * 1000ull);
}

/* Lays out [memory, memory + bytes): control block, FPU area, the start record, stack. */
static struct weft_thread *thread_lay_out(void *memory, size_t bytes,
                                          const struct weft_thread_attr *attr, struct start start)
{
    uintptr_t top = ((uintptr_t)memory + bytes) & ~(uintptr_t)15;
    struct weft_thread *thread;
    struct start *record;

    top = (top - sizeof *thread) & ~(uintptr_t)15;
    thread = (struct weft_thread *)top;
    thread_fill(thread, attr);
    thread->stack = memory;
    thread->stack_bytes = bytes;
    thread->own_stack = attr->stack != NULL;
    top = (top - ARCH_FPU_BYTES) & ~(uintptr_t)15;
    thread->fpu_area = (void *)top;
    memset(thread->fpu_area, 0, ARCH_FPU_BYTES);
    top = (top - sizeof *record) & ~(uintptr_t)15;
    record = (struct start *)top;
    *record = start;
    thread->stack_lo = ((uintptr_t)memory + 15) & ~(uintptr_t)15;
    thread->stack_hi = top;
    arch_stack_open(thread->stack_lo, thread->stack_hi);
    stack_guard_set(thread);
    stack_canary_set(thread);
    thread->saved_sp = arch_context_init((void *)thread->stack_hi, thread_entry, record);
    stack_paint(thread);
    return thread;
}

#define THREAD_OVERHEAD_BYTES                                                                      \
    (sizeof(struct weft_thread) + ARCH_FPU_BYTES + sizeof(struct start) + 64)

static int attr_check(const struct weft_thread_attr *attr)
{
    if (attr->priority < WEFT_PRIORITY_LOWEST || attr->priority > WEFT_PRIORITY_HIGHEST)
        return WEFT_EINVAL;
    if (attr->stack != NULL && attr->stack_bytes < THREAD_OVERHEAD_BYTES + ARCH_STACK_MINIMUM_BYTES)
        return WEFT_EINVAL;
    if (attr->stack_bytes > SIZE_MAX / 2)
        return WEFT_EINVAL;
    if (attr->cores != 0 && (attr->cores & cores_online()) == 0)
        return WEFT_EINVAL;
    return 0;
}

/* The thread's memory: the caller's, or from the page heap; NULL: none. */
static void *thread_memory(const struct weft_thread_attr *attr, size_t *bytes)
{
    size_t wanted = attr->stack_bytes != 0 ? attr->stack_bytes : WEFT_CONFIG_STACK_BYTES;

    if (attr->stack != NULL) {
        *bytes = attr->stack_bytes;
        return attr->stack;
    }
    if (wanted < ARCH_STACK_MINIMUM_BYTES)
        wanted = ARCH_STACK_MINIMUM_BYTES;
    return stack_alloc(wanted + THREAD_OVERHEAD_BYTES + stack_guard_extra_bytes(), bytes);
}

int weft_thread_spawn(struct weft_thread **thread, const struct weft_thread_attr *attr,
                      void *(*entry)(void *argument), void *argument)
{
    const struct weft_thread_attr defaults = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *made;
    arch_irq_state state;
    void *memory;
    size_t bytes;

    if (attr == NULL)
        attr = &defaults;
    if (entry == NULL || (thread == NULL && !attr->detached) || attr_check(attr) != 0)
        return WEFT_EINVAL;
    thread_reap();
    memory = thread_memory(attr, &bytes);
    if (memory == NULL)
        return WEFT_ENOMEM;
    made = thread_lay_out(memory, bytes, attr, (struct start){entry, argument});
    made->created_by = (uintptr_t)__builtin_return_address(0);
    made->labels = thread_current()->labels;
    if (thread != NULL)
        *thread = made; /* before it runs: it may be joined or exit at once */
    state = sched_enter();
    all_add_locked(made);
    sched_ready_locked(made);
    sched_leave(state);
    return 0;
}

static void thread_free(struct weft_thread *thread)
{
    void *stack = thread->stack;
    size_t bytes = thread->stack_bytes;

    DEBUG_ASSERT(thread->state == THREAD_EXITED);
    stack_guard_clear(thread);
    thread->magic = 0;
    arch_stack_close(thread->stack_lo, thread->stack_hi);
    if (!thread->own_stack)
        stack_free(stack, bytes);
}

void thread_reap(void)
{
    arch_irq_state state = sched_enter();
    struct scheduler *scheduler = sched_of(core_self());
    struct weft_thread *dead = scheduler->dead;

    scheduler->dead = NULL;
    sched_exit(state);
    while (dead != NULL) {
        struct weft_thread *next = (struct weft_thread *)dead->link.next;

        thread_free(dead);
        dead = next;
    }
}

_Noreturn void weft_thread_exit(void *result)
{
    struct weft_thread *current;
    struct core *core;

    sched_assert_may_block("weft_thread_exit");
    current = thread_current();
    if (current->mutexes != 0)
        weft_panic("thread \"%s\" exits while it holds %u mutexes: unlock them first",
                   current->name, current->mutexes);
    newlib_thread_end(current);
    (void)sched_enter(); /* the next thread lets go of it */
    core = core_self();
    current->result = result;
    current->state = THREAD_EXITED;
    all_remove_locked(current);
    arch_fpu_forget(core, current->fpu_area);
    if (current->joiner != NULL)
        wait_wake_locked(current->joiner, 0);
    if (current->detached) {
        current->link.next = (struct weft_wait_link *)sched_of(core)->dead;
        sched_of(core)->dead = current;
    }
    sched_switch_locked(core);
    __builtin_unreachable();
}

int weft_thread_join(struct weft_thread *thread, void **result)
{
    arch_irq_state state;

    if (thread == NULL || thread->magic != THREAD_MAGIC || thread->detached)
        return WEFT_EINVAL;
    if (thread == thread_current())
        return WEFT_EDEADLK;
    sched_assert_may_block("weft_thread_join");
    state = sched_enter();
    /* Once more, under the lock: another joiner may have come first, and have freed it. */
    if (thread->magic != THREAD_MAGIC || thread->detached || thread->being_joined) {
        sched_exit(state);
        return WEFT_EINVAL;
    }
    thread->being_joined = 1;
    if (thread->state != THREAD_EXITED) {
        thread->joiner = thread_current();
        wait_locked(NULL, WAIT_JOIN, thread, UINT64_MAX);
    }
    sched_exit(state);
    if (result != NULL)
        *result = thread->result;
    thread_free(thread);
    thread_reap();
    return 0;
}

struct weft_thread *weft_thread_self(void)
{
    return thread_current();
}

const char *weft_thread_name(const struct weft_thread *thread)
{
    return thread != NULL && thread->magic == THREAD_MAGIC ? thread->name : "?";
}

uint32_t weft_thread_id(const struct weft_thread *thread)
{
    return thread != NULL && thread->magic == THREAD_MAGIC ? thread->id : 0;
}

int weft_thread_priority(const struct weft_thread *thread)
{
    return thread != NULL && thread->magic == THREAD_MAGIC ? thread->base_priority : WEFT_EINVAL;
}

size_t weft_thread_count(void)
{
    return all.count;
}

const char *thread_wait_name(enum thread_wait reason)
{
    static const char *const names[WAIT_REASONS] = {
        [WAIT_NONE] = "running",
        [WAIT_SLEEP] = "sleep",
        [WAIT_JOIN] = "join",
        [WAIT_MUTEX] = "mutex",
        [WAIT_QUEUE_SEND] = "queue send",
        [WAIT_QUEUE_RECEIVE] = "queue receive",
        [WAIT_SUSPENDED] = "suspended",
        [WAIT_WORLD] = "world",
        [WAIT_CONDITION] = "condition",
        [WAIT_SEMAPHORE] = "semaphore",
        [WAIT_FLAGS] = "event flags",
        [WAIT_BARRIER] = "barrier",
        [WAIT_ONCE] = "once",
        [WAIT_GROUP] = "wait group",
        [WAIT_RWLOCK_READ] = "read lock",
        [WAIT_RWLOCK_WRITE] = "write lock",
        [WAIT_POOL] = "pool",
        [WAIT_CHANNEL_SEND] = "channel send",
        [WAIT_CHANNEL_RECEIVE] = "channel receive",
        [WAIT_SELECT] = "select",
        [WAIT_TIMER] = "timer",
    };

    return reason < WAIT_REASONS ? names[reason] : "?";
}

static void *main_entry(void *argument)
{
    void (*entry)(void);

    memcpy(&entry, argument, sizeof entry);
    entry();
    return NULL;
}

/* The idle thread lies in struct scheduler, not at the top of its stack. */
static void idle_init(struct scheduler *scheduler, unsigned char *stack)
{
    const struct weft_thread_attr attr = {.name = "idle"};
    struct weft_thread *idle = &scheduler->idle;

    thread_fill(idle, &attr);
    idle->runtime = 1;
    idle->stack_lo = (uintptr_t)stack;
    idle->stack_hi = (uintptr_t)stack + WEFT_CONFIG_IDLE_STACK_BYTES;
    stack_canary_set(idle);
    arch_stack_open(idle->stack_lo, idle->stack_hi);
    idle->saved_sp = arch_context_init(stack + WEFT_CONFIG_IDLE_STACK_BYTES, idle_entry, NULL);
}

void upcall_sched_init(void)
{
    static unsigned char idle_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_IDLE_STACK_BYTES]
        __attribute__((aligned(16)));

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        struct scheduler *scheduler = &schedulers[id];

        runq_init(&scheduler->ready);
        idle_init(scheduler, idle_stacks[id]);
        scheduler->idle.core = (uint8_t)id;
        if (id != 0)
            cores[id].current = &scheduler->idle; /* core 0's is NULL while it boots */
    }
}

/* Leaves the boot context, which is never resumed, for `thread`. Interrupts are off; the lock is
 * taken as across any switch. */
static _Noreturn void boot_switch_locked(struct core *core, struct weft_thread *thread)
{
    void *boot_sp;

    core->current = thread;
    core->current_fpu_area = thread->fpu_area;
    thread->state = THREAD_RUNNING;
    core->preempt_off = 0;
    arch_switch(&boot_sp, thread->saved_sp);
    __builtin_unreachable();
}

_Noreturn void upcall_sched_start_core(void)
{
    struct core *core = core_self();

    sched_lock_irqoff();
    all_add_locked(&sched_of(core)->idle);
    boot_switch_locked(core, &sched_of(core)->idle);
}

_Noreturn void upcall_sched_start(void (*main_thread)(void))
{
    static void (*entry)(void);
    const struct weft_thread_attr attr = {.name = "main", .priority = WEFT_PRIORITY_DEFAULT};
    struct weft_thread *made;
    void *memory;
    size_t bytes;

    entry = main_thread;
    memory =
        stack_alloc(MAIN_STACK_BYTES + THREAD_OVERHEAD_BYTES + stack_guard_extra_bytes(), &bytes);
    if (memory == NULL)
        weft_panic("there is no memory for the main thread's stack of %u bytes",
                   (unsigned)MAIN_STACK_BYTES);
    made = thread_lay_out(memory, bytes, &attr, (struct start){main_entry, &entry});
    made->id = 1; /* other cores' idle threads may be there already */
    sched_lock_irqoff();
    all_add_locked(made);
    all_add_locked(&sched_of(core_self())->idle);
    boot_switch_locked(core_self(), made);
}
