/* SPDX-License-Identifier: MIT */
/* Threads: started, joined, ended. Their memory is in spawn.c. */
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
#include "sched/account.h"
#include "sched/sched.h"

/* All threads, runtime threads included. Guarded by interrupts being off (one core) or the list
 * lock. */
static struct {
    struct weft_thread *first, *last;
    uint32_t next_id;
    uint32_t count;     /* without runtime threads */
} all = {.next_id = 1}; /* which is main's */

/* Ended and not joined yet, linked by the same fields. Under the scheduler's lock. */
static struct weft_thread *ended;

struct weft_thread *thread_all_first(void)
{
    return all.first;
}

struct weft_thread *thread_ended_first(void)
{
    return ended;
}

static void ended_add_locked(struct weft_thread *thread)
{
    thread->all_previous = NULL;
    thread->all_next = ended;
    if (ended != NULL)
        ended->all_previous = thread;
    ended = thread;
}

void thread_ended_remove_locked(struct weft_thread *thread)
{
    if (thread->all_next != NULL)
        thread->all_next->all_previous = thread->all_previous;
    if (thread->all_previous != NULL)
        thread->all_previous->all_next = thread->all_next;
    else
        ended = thread->all_next;
}

void thread_list_add_locked(struct weft_thread *thread)
{
    if (thread->id == 0)
        thread->id = ++all.next_id;
    thread->all_next = NULL;
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

void thread_make_own(struct weft_thread *thread)
{
    arch_irq_state state = sched_enter();

    all.count -= !thread->runtime;
    thread->runtime = 1;
    sched_exit(state);
}

/* First code of every thread: interrupts are off and the lock is held, as across any switch. */
void thread_entry(void *argument)
{
    struct thread_start start = *(struct thread_start *)argument;

    sched_unlock_irqoff(); /* taken by whoever switched here */
    arch_irq_enable();
    weft_thread_exit(start.entry(start.argument));
}

_Noreturn void upcall_thread_returned(void)
{
    weft_panic(
        "a thread's first frame returned, which it never does: its stack has been overwritten");
}

_Noreturn void weft_thread_exit(void *result)
{
    struct weft_exit_hook *hook;
    struct weft_thread *current;
    struct core *core;

    sched_assert_may_block_here("weft_thread_exit");
    current = thread_current();
    while ((hook = current->hooks) != NULL) {
        current->hooks = hook->next;
        hook->function(hook->argument);
    }
    if (current->mutexes != 0)
        weft_panic("thread \"%s\" exits while it holds %u mutexes: unlock them first",
                   current->name, current->mutexes);
    if (current->reent != NULL)
        newlib_thread_end(current);
    (void)sched_enter(); /* the next thread lets go of it */
    core = core_self();
    current->result = result;
    current->state = THREAD_EXITED;
    all_remove_locked(current);
    arch_fpu_forget(core, current->fpu_area);
    if (current->joiner != NULL)
        wait_wake_locked(current->joiner, 0);
    if (!current->detached) {
        ended_add_locked(current);
    } else if (!thread_cache_locked(current)) {
        current->link.next = (struct weft_wait_link *)sched_of(core)->dead;
        sched_of(core)->dead = current;
    }
    sched_switch_locked(core);
    __builtin_unreachable();
}

int weft_thread_join(struct weft_thread *thread, void **result)
{
    arch_irq_state state;
    bool cached;

    if (thread == NULL || thread->magic != THREAD_MAGIC || thread->detached)
        return WEFT_EINVAL;
    if (thread == thread_current())
        return WEFT_EDEADLK;
    sched_assert_may_block_here("weft_thread_join");
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
    if (result != NULL)
        *result = thread->result;
    thread_ended_remove_locked(thread); /* the collector finds the result with the caller now */
    thread->magic = 0;                  /* from here on it is nobody's */
    cached = thread_cache_locked(thread);
    sched_exit(state);
    if (!cached)
        thread_free(thread);
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

unsigned char upcall_idle_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_IDLE_STACK_BYTES]
    __attribute__((aligned(16)));

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
    slices_init();
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        struct scheduler *scheduler = &schedulers[id];

        cores[id].scheduler = scheduler;
        runq_init(&scheduler->ready, id);
        idle_init(scheduler, upcall_idle_stacks[id]);
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

    core_current_set(core, thread);
    core->current_fpu_area = thread->fpu_area;
    thread->state = THREAD_RUNNING;
    core->preempt_off = 0;
    if (WEFT_CONFIG_TLS && core->tls_used)
        sched_switch_tls(core, NULL, thread);
    account_begin_irqoff(core);
    arch_switch(&boot_sp, thread->saved_sp);
    __builtin_unreachable();
}

_Noreturn void upcall_sched_start_core(void)
{
    struct core *core = core_self();

    sched_lock_irqoff();
    thread_list_add_locked(&sched_of(core)->idle);
    boot_switch_locked(core, &sched_of(core)->idle);
}

_Noreturn void upcall_sched_start(void (*main_thread)(void))
{
    static void (*entry)(void);
    static unsigned char stack[WEFT_CONFIG_HEAP ? 1 : WEFT_CONFIG_MAIN_STACK_BYTES]
        __attribute__((aligned(16))); /* for want of a heap */
    const struct weft_thread_attr attr = {.name = "main",
                                          .priority = WEFT_PRIORITY_DEFAULT,
                                          .stack = WEFT_CONFIG_HEAP ? NULL : stack,
                                          .stack_bytes = WEFT_CONFIG_MAIN_STACK_BYTES};
    struct weft_thread *made;

    entry = main_thread;
    made = thread_make(&attr, (struct thread_start){main_entry, &entry});
    if (made == NULL)
        weft_panic("there is no memory for the main thread's stack of %u bytes",
                   (unsigned)WEFT_CONFIG_MAIN_STACK_BYTES);
    made->id = 1; /* other cores' idle threads may be there already */
    sched_lock_irqoff();
    thread_list_add_locked(made);
    thread_list_add_locked(&sched_of(core_self())->idle);
    boot_switch_locked(core_self(), made);
}
