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
#include "sched/thread_list.h"
#include "sched/wait_fast.h"

struct thread_list thread_list;
struct weft_thread *thread_ended;

struct weft_thread *thread_all_first(void)
{
    return thread_list.first;
}

struct weft_thread *thread_ended_first(void)
{
    return thread_ended;
}

void thread_ended_remove_locked(struct weft_thread *thread)
{
    *thread->all_back = thread->all_next;
    if (thread->all_next != NULL)
        thread->all_next->all_back = thread->all_back;
}

/* Main and weft's own threads, while booting. */
static void add_locked(struct weft_thread *thread)
{
    if (thread->id == 0)
        thread->id = ++thread_list.last_id;
    thread_list_append_locked(thread);
    thread_list.count += !thread->runtime;
}

void thread_make_own(struct weft_thread *thread)
{
    arch_irq_state state = sched_enter();

    thread_list.count -= !thread->runtime;
    thread->runtime = 1;
    sched_exit(state);
}

/* ---- ending ---- */

/* What a join that has waited returns when the memory is left to it; else it is out of its hands.
 */
#define JOINER_FREES 1

/* Has the thread something that must be undone before it ends, or may it not end here? */
static inline bool is_held_up(const struct core *core, const struct weft_thread *current)
{
    return __builtin_expect((core->preempt_off | current->mutexes | (uintptr_t)current->hooks |
                             (uintptr_t)current->reent | (uintptr_t)current->foreign) != 0,
                            0);
}

/* Afterwards an ended thread's control block is as clean as a new one's where thread_fill says. */
static __attribute__((noinline)) void let_go(void)
{
    struct weft_exit_hook *hook;
    struct weft_thread *current;

    sched_assert_may_block("weft_thread_exit");
    current = thread_current();
    while ((hook = current->hooks) != NULL) {
        current->hooks = hook->next;
        hook->function(hook->argument);
    }
    if (current->mutexes != 0)
        weft_panic(
            "thread \"%s\" exits while it holds %u mutexes or write locks: unlock them first",
            current->name, current->mutexes);
    if (current->reent != NULL)
        newlib_thread_end(current);
    current->foreign = NULL;
}

static __attribute__((noinline)) void wake_joiner_and_block_locked(struct weft_thread *joiner,
                                                                   int result)
{
    wait_wake_locked(joiner, result);
    sched_block_locked();
}

/* The joiner waits: it gets the result, and the memory if that is not kept for the next thread. */
static inline void give_to_joiner_locked(struct weft_thread *current, struct weft_thread *joiner,
                                         void *result)
{
    void **where = joiner->wait_data;
    int left = thread_cache_put_locked(current) ? 0 : JOINER_FREES;

    if (where != NULL)
        *where = result;
    current->joiner = NULL;
    current->magic = 0; /* from here on it is nobody's */
    if (!wait_is_plain_locked(joiner)) {
        wake_joiner_and_block_locked(joiner, left);
        return;
    }
    joiner->wait_result = left;
    sched_ready_plain_locked(joiner);
    sched_block_locked();
}

/* The thread ends. It comes back from here when its memory is a new thread's that starts where this
 * one's function returned. Keeps nothing across the switch: no frame. */
static __attribute__((noinline)) void finish(void *result)
{
    struct core *core = core_self();
    struct weft_thread *current;

    (void)sched_enter(); /* the next thread lets go of it */
    core = core_self();
    current = core->current;
    current->state = THREAD_EXITED;
    thread_list_remove_locked(current);
    arch_fpu_forget(core, current->fpu_area);
    if (current->joiner != NULL) {
        give_to_joiner_locked(current, current->joiner, result);
        return;
    }
    current->result = result;
    if (!current->detached) {
        thread_ended_add_locked(current);
    } else if (!thread_cache_put_locked(current)) {
        current->link.next = (struct weft_wait_link *)sched_of(core)->dead;
        sched_of(core)->dead = current;
    }
    sched_block_locked();
}

/* First code of every thread: interrupts are off and the lock is held, as across any switch. One
 * round for each thread that has this memory and ends by returning. */
void thread_entry(void *argument)
{
    const struct thread_start *start = argument;

    for (;;) {
        void *result;

        sched_unlock_irqoff(); /* taken by whoever switched here */
        arch_irq_enable();
        result = start->entry(start->argument);
        if (WEFT_CONFIG_CORES > 1 || is_held_up(core_self(), core_self()->current))
            let_go();
        finish(result);
    }
}

_Noreturn void upcall_thread_returned(void)
{
    weft_panic(
        "a thread's first frame returned, which it never does: its stack has been overwritten");
}

_Noreturn void weft_thread_exit(void *result)
{
    let_go();
    thread_current()->at_entry = 0;
    finish(result);
    __builtin_unreachable();
}

static bool may_be_joined_locked(const struct weft_thread *thread)
{
    return thread->magic == THREAD_MAGIC && !thread->detached && !thread->being_joined;
}

/* The thread has ended: its result, and its memory unless that is kept. */
static int collect_locked(struct weft_thread *thread, void **result)
{
    if (result != NULL)
        *result = thread->result;
    thread_ended_remove_locked(thread); /* the collector finds the result with the caller now */
    thread->magic = 0;
    return thread_cache_put_locked(thread) ? 0 : JOINER_FREES;
}

/* Does `thread`, which waits, wait for the end of `current`, through others maybe? */
static __attribute__((noinline)) bool waits_for_end_of(const struct weft_thread *thread,
                                                       const struct weft_thread *current)
{
    while (thread != current) {
        if (thread->state != THREAD_BLOCKED || thread->wait_reason != WAIT_JOIN)
            return false;
        thread = thread->wait_object;
    }
    return true;
}

static int join_locked(struct weft_thread *thread, void **result)
{
    struct weft_thread *current = core_self()->current;

    if (!may_be_joined_locked(thread))
        return WEFT_EINVAL;
    if (thread == current)
        return WEFT_EDEADLK;
    if (thread->state == THREAD_EXITED)
        return collect_locked(thread, result);
    if (thread->state == THREAD_BLOCKED && waits_for_end_of(thread, current))
        return WEFT_EDEADLK;
    thread->being_joined = 1;
    thread->joiner = current;
    current->wait_data = result;
    return wait_for_ever_locked(NULL, WAIT_JOIN, thread);
}

int weft_thread_join(struct weft_thread *thread, void **result)
{
    int outcome;

    if (thread == NULL)
        return WEFT_EINVAL;
    (void)sched_enter();
    sched_assert_may_block_irqoff("weft_thread_join");
    outcome = join_locked(thread, result);
    sched_exit_thread();
    if (outcome != JOINER_FREES)
        return outcome;
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

uint32_t upcall_thread_number(void)
{
    const struct core *core = core_self();

    return core->interrupt_depth || !core->current ? 0 : core->current->id;
}

int weft_thread_priority(const struct weft_thread *thread)
{
    return thread != NULL && thread->magic == THREAD_MAGIC ? thread->base_priority : WEFT_EINVAL;
}

size_t weft_thread_count(void)
{
    return thread_list.count;
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
    thread_list.tail = &thread_list.first;
    thread_list.last_id = 1; /* which is main's */
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
    add_locked(&sched_of(core)->idle);
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
    add_locked(made);
    add_locked(&sched_of(core_self())->idle);
    boot_switch_locked(core_self(), made);
}
