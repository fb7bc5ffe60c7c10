/* SPDX-License-Identifier: MIT */
/*
 * Every public function of every blocking object, with a null object, one that was never
 * initialised, one that was destroyed, and in an interrupt handler: the exact panic, or that there
 * is none. The table is checked against the headers: a function that is missing here fails.
 */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "kernel/panic.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/object.h"
#include "sched/wait_fast.h"

/* Nobody watches waits here. */
uint32_t wait_watchers;
const struct upcall_profiler *upcall_profiler;
const struct upcall_sites *upcall_sites;

struct core cores[WEFT_CONFIG_CORES];
struct scheduler schedulers[WEFT_CONFIG_CORES];
uint64_t fake_clock;
bool fake_irq_on = true; /* tests/unit/port/irq.h */

static uint32_t no_canary;
static struct weft_thread self = {
    .name = "self", .magic = THREAD_MAGIC, .stack_lo = (uintptr_t)&no_canary};
static jmp_buf panicked;
static char message[256];

struct core *fake_core_pointer(void)
{
    return &cores[0];
}

_Noreturn void weft_panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    longjmp(panicked, 1);
}

/* No call here closes a cycle of mutexes. */
void panic_open(void)
{
    abort();
}

_Noreturn void panic_close(void)
{
    abort();
}

void print_console(const char *format, ...)
{
    (void)format;
    abort();
}

/* ---- below the objects: nothing waits, nobody is woken ---- */

void wait_queue_init(struct weft_wait_queue *queue)
{
    queue->head.next = queue->head.prev = &queue->head;
}

int wait_locked(struct weft_wait_queue *queue, enum thread_wait reason, const void *object,
                uint64_t deadline)
{
    (void)queue, (void)reason, (void)object, (void)deadline;
    return WEFT_ETIMEDOUT;
}

int wait_tell_locked(struct weft_thread *current, enum thread_wait reason)
{
    (void)reason;
    return current->wait_result;
}

void sched_park_locked(struct weft_thread *thread)
{
    (void)thread;
    abort();
}

/* Who blocks comes here, since `self` has another's canary: its wait is over at once. */
void switch_more_locked(struct core *core, struct weft_thread *previous, struct weft_thread *next)
{
    (void)core, (void)next;
    runq_unlink(&previous->link);
    previous->wait_result = WEFT_ETIMEDOUT;
}

void arch_switch(void **save_sp, void *next_sp)
{
    (void)save_sp, (void)next_sp;
    abort();
}

void wait_wake_with_alarm_locked(struct weft_thread *thread, int result)
{
    (void)thread, (void)result;
    abort();
}

void wait_wake_locked(struct weft_thread *thread, int result)
{
    (void)thread, (void)result;
    abort();
}

struct weft_thread *wait_wake_first_locked(struct weft_wait_queue *queue, int result)
{
    (void)result;
    cr_assert(wait_queue_empty(queue));
    return NULL;
}

void wait_wake_all_locked(struct weft_wait_queue *queue, int result)
{
    (void)wait_wake_first_locked(queue, result);
}

void wait_insert_locked(struct weft_wait_queue *queue, struct weft_thread *thread)
{
    (void)queue, (void)thread;
    abort();
}

void wait_move_locked(struct weft_thread *thread, struct weft_wait_queue *queue,
                      enum thread_wait reason, const void *object)
{
    (void)thread, (void)queue, (void)reason, (void)object;
    abort();
}

void weft_thread_hook_add(struct weft_exit_hook *hook, void (*function)(void *argument),
                          void *argument)
{
    (void)hook, (void)function, (void)argument;
}

int weft_thread_hook_remove(struct weft_exit_hook *hook)
{
    (void)hook;
    return 0;
}

void priority_set_locked(struct weft_thread *thread, uint8_t priority)
{
    (void)thread, (void)priority;
}

void sleep_arm_locked(struct weft_alarm *alarm, uint64_t deadline)
{
    (void)deadline;
    alarm_add(&schedulers[0].alarms, alarm);
}

void sched_leave_switch_locked(struct core *core)
{
    (void)core;
}

int sched_leave_switching(arch_irq_state state, int result)
{
    (void)state;
    return result;
}

void sched_may_not_block(const char *function)
{
    weft_panic("%s was called in an interrupt handler, where nothing may block", function);
}

void sched_assert_may_block(const char *function)
{
    if (cores[0].interrupt_depth != 0)
        sched_may_not_block(function);
}

uint64_t tick_ns_to_cycles(uint64_t ns)
{
    return ns;
}

uint64_t tick_cycles_to_ns(uint64_t cycles)
{
    return cycles;
}

/* ---- the table ---- */

enum context { THREAD, ANY };

union object {
    uint32_t magic;
    struct weft_mutex mutex;
    struct weft_condition condition;
    struct weft_semaphore semaphore;
    struct weft_rwlock rwlock;
    struct weft_flags flags;
    struct weft_barrier barrier;
    struct weft_once once;
    struct weft_group group;
    struct weft_queue queue;
    struct weft_pool pool;
    struct weft_channel channel;
    struct weft_timer timer;
};

static uint64_t memory[8];
static void *block = memory;

static int sink;

static void nothing(void *argument)
{
    (void)argument;
}

struct refusal {
    const char *function, *noun;
    void (*make)(union object *object);
    void (*call)(union object *object);
    enum context context;
};

#define MAKE(noun, ...)                                                                            \
    static void make_##noun(union object *o)                                                       \
    {                                                                                              \
        cr_assert_eq((__VA_ARGS__), 0);                                                            \
    }

MAKE(mutex, weft_mutex_init(&o->mutex, WEFT_MUTEX_NORMAL))
MAKE(condition, weft_condition_init(&o->condition))
MAKE(semaphore, weft_semaphore_init(&o->semaphore, 1, 5))
MAKE(rwlock, weft_rwlock_init(&o->rwlock))
MAKE(flags, weft_flags_init(&o->flags, 1))
MAKE(barrier, weft_barrier_init(&o->barrier, 1))
MAKE(once, weft_once_init(&o->once))
MAKE(group, weft_group_init(&o->group))
MAKE(queue, weft_queue_init(&o->queue, memory, 8, 8))
MAKE(pool, weft_pool_init(&o->pool, memory, sizeof memory, 8))
MAKE(channel, weft_channel_init(&o->channel, memory, 8, 8))
MAKE(timer, weft_timer_init(&o->timer, NULL, NULL))

/* One line for each function: object, name, context, noun in messages, call. */
#define FUNCTIONS(F)                                                                               \
    F(mutex, lock, THREAD, "mutex", weft_mutex_lock(&o->mutex))                                    \
    F(mutex, trylock, THREAD, "mutex", weft_mutex_trylock(&o->mutex))                              \
    F(mutex, lock_until, THREAD, "mutex", weft_mutex_lock_until(&o->mutex, 1))                     \
    F(mutex, unlock, THREAD, "mutex", weft_mutex_unlock(&o->mutex))                                \
    F(mutex, destroy, THREAD, "mutex", weft_mutex_destroy(&o->mutex))                              \
    F(condition, wait, THREAD, "condition variable", weft_condition_wait(&o->condition, NULL))     \
    F(condition, wait_until, THREAD, "condition variable",                                         \
      weft_condition_wait_until(&o->condition, NULL, 1))                                           \
    F(condition, signal, ANY, "condition variable", (weft_condition_signal(&o->condition), 0))     \
    F(condition, broadcast, ANY, "condition variable",                                             \
      (weft_condition_broadcast(&o->condition), 0))                                                \
    F(condition, destroy, THREAD, "condition variable",                                            \
      (weft_condition_destroy(&o->condition), 0))                                                  \
    F(semaphore, wait, THREAD, "semaphore", weft_semaphore_wait(&o->semaphore))                    \
    F(semaphore, wait_until, THREAD, "semaphore", weft_semaphore_wait_until(&o->semaphore, 1))     \
    F(semaphore, try, ANY, "semaphore", weft_semaphore_try(&o->semaphore))                         \
    F(semaphore, post, ANY, "semaphore", weft_semaphore_post(&o->semaphore))                       \
    F(semaphore, count, ANY, "semaphore", (int)weft_semaphore_count(&o->semaphore))                \
    F(semaphore, destroy, THREAD, "semaphore", (weft_semaphore_destroy(&o->semaphore), 0))         \
    F(rwlock, read, THREAD, "read-write lock", weft_rwlock_read(&o->rwlock))                       \
    F(rwlock, write, THREAD, "read-write lock", weft_rwlock_write(&o->rwlock))                     \
    F(rwlock, read_until, THREAD, "read-write lock", weft_rwlock_read_until(&o->rwlock, 1))        \
    F(rwlock, write_until, THREAD, "read-write lock", weft_rwlock_write_until(&o->rwlock, 1))      \
    F(rwlock, try_read, THREAD, "read-write lock", weft_rwlock_try_read(&o->rwlock))               \
    F(rwlock, try_write, THREAD, "read-write lock", weft_rwlock_try_write(&o->rwlock))             \
    F(rwlock, read_unlock, THREAD, "read-write lock", (weft_rwlock_read_unlock(&o->rwlock), 0))    \
    F(rwlock, write_unlock, THREAD, "read-write lock", (weft_rwlock_write_unlock(&o->rwlock), 0))  \
    F(rwlock, destroy, THREAD, "read-write lock", weft_rwlock_destroy(&o->rwlock))                 \
    F(flags, wait, THREAD, "event flags object", weft_flags_wait(&o->flags, 1, 0, NULL))           \
    F(flags, wait_until, THREAD, "event flags object",                                             \
      weft_flags_wait_until(&o->flags, 1, 0, NULL, 1))                                             \
    F(flags, try, ANY, "event flags object", weft_flags_try(&o->flags, 1, 0, NULL))                \
    F(flags, set, ANY, "event flags object", (weft_flags_set(&o->flags, 1), 0))                    \
    F(flags, clear, ANY, "event flags object", (weft_flags_clear(&o->flags, 1), 0))                \
    F(flags, get, ANY, "event flags object", (int)weft_flags_get(&o->flags))                       \
    F(flags, destroy, THREAD, "event flags object", (weft_flags_destroy(&o->flags), 0))            \
    F(barrier, wait, THREAD, "barrier", weft_barrier_wait(&o->barrier))                            \
    F(barrier, wait_until, THREAD, "barrier", weft_barrier_wait_until(&o->barrier, 1))             \
    F(barrier, destroy, THREAD, "barrier", (weft_barrier_destroy(&o->barrier), 0))                 \
    F(once, run, THREAD, "once object", (weft_once_run(&o->once, nothing, NULL), 0))               \
    F(group, add, ANY, "wait group", (weft_group_add(&o->group, 1), 0))                            \
    F(group, done, ANY, "wait group", (weft_group_done(&o->group), 0))                             \
    F(group, wait, THREAD, "wait group", weft_group_wait(&o->group))                               \
    F(group, wait_until, THREAD, "wait group", weft_group_wait_until(&o->group, 1))                \
    F(group, destroy, THREAD, "wait group", (weft_group_destroy(&o->group), 0))                    \
    F(queue, send, THREAD, "queue", weft_queue_send(&o->queue, memory))                            \
    F(queue, receive, THREAD, "queue", weft_queue_receive(&o->queue, memory))                      \
    F(queue, send_until, THREAD, "queue", weft_queue_send_until(&o->queue, memory, 1))             \
    F(queue, receive_until, THREAD, "queue", weft_queue_receive_until(&o->queue, memory, 1))       \
    F(queue, try_send, ANY, "queue", weft_queue_try_send(&o->queue, memory))                       \
    F(queue, try_receive, ANY, "queue", weft_queue_try_receive(&o->queue, memory))                 \
    F(queue, close, ANY, "queue", (weft_queue_close(&o->queue), 0))                                \
    F(queue, count, ANY, "queue", (int)weft_queue_count(&o->queue))                                \
    F(queue, destroy, THREAD, "queue", (weft_queue_destroy(&o->queue), 0))                         \
    F(pool, try_alloc, ANY, "pool", weft_pool_try_alloc(&o->pool) == NULL)                         \
    F(pool, alloc, THREAD, "pool", weft_pool_alloc(&o->pool, &block))                              \
    F(pool, alloc_until, THREAD, "pool", weft_pool_alloc_until(&o->pool, &block, 1))               \
    F(pool, free, ANY, "pool", (weft_pool_free(&o->pool, memory), 0))                              \
    F(pool, used, ANY, "pool", (int)weft_pool_used(&o->pool))                                      \
    F(pool, destroy, THREAD, "pool", (weft_pool_destroy(&o->pool), 0))                             \
    F(channel, send, THREAD, "channel", weft_channel_send(&o->channel, memory))                    \
    F(channel, receive, THREAD, "channel", weft_channel_receive(&o->channel, memory))              \
    F(channel, send_until, THREAD, "channel", weft_channel_send_until(&o->channel, memory, 1))     \
    F(channel, receive_until, THREAD, "channel",                                                   \
      weft_channel_receive_until(&o->channel, memory, 1))                                          \
    F(channel, try_send, ANY, "channel", weft_channel_try_send(&o->channel, memory))               \
    F(channel, try_receive, ANY, "channel", weft_channel_try_receive(&o->channel, memory))         \
    F(channel, close, ANY, "channel", (weft_channel_close(&o->channel), 0))                        \
    F(channel, count, ANY, "channel", (int)weft_channel_count(&o->channel))                        \
    F(channel, destroy, THREAD, "channel", (weft_channel_destroy(&o->channel), 0))                 \
    F(timer, start, ANY, "timer", weft_timer_start(&o->timer, 1, 0))                               \
    F(timer, cancel, ANY, "timer", weft_timer_cancel(&o->timer))                                   \
    F(timer, wait, THREAD, "timer", weft_timer_wait(&o->timer))                                    \
    F(timer, wait_until, THREAD, "timer", weft_timer_wait_until(&o->timer, 1))                     \
    F(timer, destroy, THREAD, "timer", weft_timer_destroy(&o->timer))

/* With a null object, &o->mutex and the like are what is meant to be passed. */
#define CALL(what, name, context, noun, call)                                                      \
    __attribute__((no_sanitize("null"))) static void call_##what##_##name(union object *o)         \
    {                                                                                              \
        sink = (int)(call);                                                                        \
    }
FUNCTIONS(CALL)

#define ROW(what, name, context, noun, call)                                                       \
    {"weft_" #what "_" #name, noun, make_##what, call_##what##_##name, context},
static const struct refusal refusals[] = {FUNCTIONS(ROW)};

#define COUNT (sizeof refusals / sizeof refusals[0])

/* The panic's text, "" when it returned. */
static const char *outcome(const struct refusal *row, union object *object)
{
    message[0] = '\0';
    if (setjmp(panicked) == 0)
        row->call(object);
    return message;
}

static void setup(void)
{
    memset(cores, 0, sizeof cores);
    memset(&schedulers, 0, sizeof schedulers);
    cores[0].current = &self;
    self.mutexes = 0;
    self.held = NULL;
}

TestSuite(refusals, .init = setup);

Test(refusals, null_objects)
{
    char expected[256];

    for (size_t i = 0; i < COUNT; i++) {
        snprintf(expected, sizeof expected, "%s: the %s is NULL", refusals[i].function,
                 refusals[i].noun);
        cr_assert_str_eq(outcome(&refusals[i], NULL), expected);
    }
}

Test(refusals, foreign_objects)
{
    static union object object;
    char expected[256];

    for (size_t i = 0; i < COUNT; i++) {
        memset(&object, 0xa5, sizeof object);
        snprintf(expected, sizeof expected, "%s: %p is not an initialised %s", refusals[i].function,
                 (void *)&object, refusals[i].noun);
        cr_assert_str_eq(outcome(&refusals[i], &object), expected);
    }
}

Test(refusals, destroyed_objects)
{
    static union object object;
    char expected[256];

    for (size_t i = 0; i < COUNT; i++) {
        refusals[i].make(&object);
        for (size_t d = 0; d < COUNT; d++)
            if (refusals[d].make == refusals[i].make && strstr(refusals[d].function, "_destroy"))
                cr_assert_str_eq(outcome(&refusals[d], &object), "");
        if (object.magic != OBJECT_DESTROYED)
            continue; /* of a kind that is never destroyed */
        snprintf(expected, sizeof expected, "%s: %s %p was destroyed", refusals[i].function,
                 refusals[i].noun, (void *)&object);
        cr_assert_str_eq(outcome(&refusals[i], &object), expected);
    }
}

/* What may be called there returns; what may block is refused although it would not have to. */
Test(refusals, interrupt_handlers)
{
    static union object object;

    for (size_t i = 0; i < COUNT; i++) {
        const char *text;

        setup();
        refusals[i].make(&object);
        if (refusals[i].make == make_group)
            weft_group_add(&object.group, 1);
        if (refusals[i].call == call_pool_free)
            cr_assert_not_null(weft_pool_try_alloc(&object.pool));
        cores[0].interrupt_depth = 1;
        text = outcome(&refusals[i], &object);
        if (refusals[i].context == ANY)
            cr_assert_str_empty(text, "%s: %s", refusals[i].function, text);
        else
            cr_assert(strncmp(text, refusals[i].function, strlen(refusals[i].function)) == 0 &&
                          strstr(text, "was called in an interrupt handler") != NULL,
                      "%s: %s", refusals[i].function, text);
    }
}

Test(refusals, selects)
{
    static union object object;
    struct weft_select_case it = {.kind = WEFT_SELECT_RECEIVE, .channel = &object.channel};
    size_t chosen;

    cr_assert_eq(weft_select(NULL, 1, &chosen), WEFT_EINVAL);
    cr_assert_eq(weft_select(&it, 0, &chosen), WEFT_EINVAL);
    cr_assert_eq(weft_select_try(&it, 1, NULL), WEFT_EINVAL);
    it.kind = 7;
    cr_assert_eq(weft_select_until(&it, 1, &chosen, 1), WEFT_EINVAL);
    it.kind = WEFT_SELECT_RECEIVE;
    make_channel(&object);
    if (setjmp(panicked) == 0) {
        sink = weft_select(&it, 1, &chosen);
        cr_assert_fail("a case without room");
    }
    cr_assert_str_eq(message, "weft_select: the element is NULL");
    it.element = memory;
    cr_assert_eq(weft_select_until(&it, 1, &chosen, 1), WEFT_ETIMEDOUT);
    cores[0].interrupt_depth = 1;
    cr_assert_eq(weft_select_try(&it, 1, &chosen), WEFT_EAGAIN);
    if (setjmp(panicked) == 0) {
        sink = weft_select(&it, 1, &chosen);
        cr_assert_fail("in an interrupt handler");
    }
    cr_assert(strstr(message, "weft_select was called in an interrupt handler") != NULL);
}

/* Every function that a header declares has a row, but those that make an object. */
Test(refusals, none_is_missing)
{
    static const char *const headers[] = {"mutex", "condition", "semaphore", "rwlock",
                                          "flags", "barrier",   "once",      "group",
                                          "queue", "pool",      "channel",   "timer"};

    for (size_t h = 0; h < sizeof headers / sizeof headers[0]; h++) {
        char path[64], line[256], prefix[32];
        unsigned found = 0;
        FILE *file;

        snprintf(path, sizeof path, "include/weft/%s.h", headers[h]);
        snprintf(prefix, sizeof prefix, "weft_%s_", headers[h]);
        file = fopen(path, "r");
        cr_assert_not_null(file, "%s", path);
        while (fgets(line, sizeof line, file) != NULL) {
            char *name = strstr(line, prefix), *end = name != NULL ? strchr(name, '(') : NULL;
            size_t i = 0;

            if (end == NULL || strncmp(line, "/*", 2) == 0 || strncmp(line, " *", 2) == 0)
                continue;
            *end = '\0';
            if (strstr(name, "_init") != NULL || strchr(name, ' ') != NULL ||
                strncmp(line, "typedef", 7) == 0)
                continue;
            while (i < COUNT && strcmp(refusals[i].function, name) != 0)
                i++;
            cr_assert(i < COUNT, "%s of %s has no row", name, path);
            found++;
        }
        fclose(file);
        cr_assert(found > 0, "%s", path);
    }
}
