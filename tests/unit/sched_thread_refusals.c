/* SPDX-License-Identifier: MIT */
/*
 * Every function of weft/thread.h and weft/slot.h that is given a thread, a hook or a slot, with
 * none, with memory that is none, with one of weft's own threads, with one that has ended, and in
 * an interrupt handler: the error, or the exact panic. A function of these headers that is in
 * neither table fails.
 */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "kernel/cores.h"
#include "kernel/tick.h"
#include "sched/sched.h"
#include "sched/thread_list.h"

struct core cores[WEFT_CONFIG_CORES];
struct scheduler schedulers[WEFT_CONFIG_CORES];
bool fake_irq_on = true; /* tests/unit/port/irq.h */
uint64_t fake_clock = 1000;
unsigned fake_core_id;

static struct weft_thread self, other;
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

/* ---- below: nobody is ready, nothing is switched ---- */

void sched_leave_switch_locked(struct core *core)
{
    (void)core;
}

int sched_leave_switching(arch_irq_state state, int result)
{
    sched_exit(state);
    return result;
}

void sched_block_locked(void)
{
}

bool sched_hand_over_locked(struct core *core, struct weft_thread *next)
{
    (void)core, (void)next;
    return false;
}

void sched_may_not_block(const char *function)
{
    weft_panic("%s was called with preemption disabled", function);
}

void mutex_priority_changed_locked(struct weft_thread *thread)
{
    thread->priority = thread->base_priority;
}

void place_locked(struct weft_thread *thread)
{
    (void)thread;
}

void place_look_again_locked(struct core *core)
{
    core_reschedule_ask(core);
}

void place_priority_dropped_locked(struct weft_thread *thread)
{
    (void)thread;
}

void thread_ended_remove_locked(struct weft_thread *thread)
{
    (void)thread;
}

struct thread_cache thread_cache;

void thread_free(struct weft_thread *thread)
{
    (void)thread;
    abort();
}

uint64_t tick_ns_to_cycles(uint64_t ns)
{
    return ns;
}

uint64_t tick_cycles_to_ns(uint64_t cycles)
{
    return cycles;
}

/* ---- functions that are given a thread ---- */

#define OK 0

static int call_suspend(struct weft_thread *thread)
{
    return weft_thread_suspend(thread);
}

static int call_resume(struct weft_thread *thread)
{
    return weft_thread_resume(thread);
}

static int call_set_priority(struct weft_thread *thread)
{
    return weft_thread_set_priority(thread, 3);
}

static int call_set_cores(struct weft_thread *thread)
{
    return weft_thread_set_cores(thread, 1);
}

static int call_set_cooperative(struct weft_thread *thread)
{
    return weft_thread_set_cooperative(thread, true);
}

static int call_cores(struct weft_thread *thread)
{
    return weft_thread_cores(thread) == 0 ? WEFT_EINVAL : OK;
}

static int call_detach(struct weft_thread *thread)
{
    return weft_thread_detach(thread);
}

static const struct row {
    const char *name;
    int (*call)(struct weft_thread *thread);
    int weft_own, ended; /* what these give; NULL and foreign memory give WEFT_EINVAL */
    bool any_context;
} rows[] = {
    {"weft_thread_suspend", call_suspend, WEFT_EINVAL, WEFT_ESTATE, true},
    {"weft_thread_resume", call_resume, WEFT_EINVAL, WEFT_ESTATE, true},
    {"weft_thread_set_priority", call_set_priority, WEFT_EINVAL, WEFT_ESTATE, true},
    {"weft_thread_set_cores", call_set_cores, WEFT_EINVAL, WEFT_ESTATE, true},
    {"weft_thread_set_cooperative", call_set_cooperative, WEFT_EINVAL, WEFT_ESTATE, true},
    {"weft_thread_cores", call_cores, OK, OK, true},
    {"weft_thread_detach", call_detach, WEFT_EINVAL, OK, false},
};

#define ROWS (sizeof rows / sizeof rows[0])

static void setup(void)
{
    memset(cores, 0, sizeof cores);
    memset(schedulers, 0, sizeof schedulers);
    runq_init(&schedulers[0].ready, 0);
    self = (struct weft_thread){
        .name = "self", .magic = THREAD_MAGIC, .state = THREAD_RUNNING, .affinity = UINT32_MAX};
    other = self;
    other.name = "other";
    other.state = THREAD_BLOCKED;
    cores[0].current = &self;
    message[0] = '\0';
}

TestSuite(thread_refusals, .init = setup);

Test(thread_refusals, no_thread)
{
    for (size_t i = 0; i < ROWS; i++) {
        cr_assert_eq(rows[i].call(NULL), WEFT_EINVAL, "%s", rows[i].name);
        cr_assert(fake_irq_on, "%s", rows[i].name);
    }
}

Test(thread_refusals, foreign_memory)
{
    for (size_t i = 0; i < ROWS; i++) {
        memset(&other, 0xa5, sizeof other);
        cr_assert_eq(rows[i].call(&other), WEFT_EINVAL, "%s", rows[i].name);
    }
}

Test(thread_refusals, threads_of_wefts_own)
{
    for (size_t i = 0; i < ROWS; i++) {
        other.runtime = 1;
        cr_assert_eq(rows[i].call(&other), rows[i].weft_own, "%s", rows[i].name);
        cr_assert(fake_irq_on, "%s", rows[i].name);
    }
}

Test(thread_refusals, threads_that_have_ended)
{
    for (size_t i = 0; i < ROWS; i++) {
        setup();
        other.state = THREAD_EXITED;
        cr_assert_eq(rows[i].call(&other), rows[i].ended, "%s", rows[i].name);
        cr_assert(fake_irq_on, "%s", rows[i].name);
    }
}

/* OK when it panicked, too: `message` says so. A function of its own, so that setjmp spares no
 * loop's counter. */
static int result_of(const struct row *row)
{
    return setjmp(panicked) == 0 ? row->call(&other) : OK;
}

Test(thread_refusals, in_an_interrupt_handler)
{
    for (size_t i = 0; i < ROWS; i++) {
        setup();
        other.suspended = 1; /* there is something to resume */
        cores[0].interrupt_depth = 1;
        cr_assert_eq(result_of(&rows[i]), OK, "%s", rows[i].name);
        if (rows[i].any_context)
            cr_assert_str_empty(message, "%s: %s", rows[i].name, message);
        else
            cr_assert(strncmp(message, rows[i].name, strlen(rows[i].name)) == 0 &&
                          strstr(message, " was called in an interrupt handler") != NULL,
                      "%s: %s", rows[i].name, message);
    }
}

Test(thread_refusals, values_out_of_range)
{
    cr_assert_eq(weft_thread_set_priority(&other, -1), WEFT_EINVAL);
    cr_assert_eq(weft_thread_set_priority(&other, 32), WEFT_EINVAL);
    cr_assert_eq(weft_thread_set_cores(&other, 1u << WEFT_CONFIG_CORES), WEFT_EINVAL);
    cr_assert_eq(weft_thread_resume(&other), WEFT_ESTATE);
    for (unsigned i = 0; i < 255; i++)
        cr_assert_eq(weft_thread_suspend(&other), OK);
    cr_assert_eq(weft_thread_suspend(&other), WEFT_ESTATE);
    cr_assert_eq(other.suspended, 255);
    cr_assert_eq(weft_slice_set_ns(32, 5), WEFT_EINVAL);
    cr_assert_eq(weft_slice_set_ns(0, 0xffffffffu), WEFT_EINVAL);
    cr_assert_eq(weft_slice_set_ns(0, 0xfffffffeu), OK);
    cr_assert_eq(weft_slice_ns(0), 0xfffffffeu);
    cr_assert_eq(weft_slice_ns(-1), 0);
    other.being_joined = 1;
    cr_assert_eq(weft_thread_detach(&other), WEFT_EINVAL);
}

Test(thread_refusals, suspending_oneself_with_preemption_off)
{
    cores[0].preempt_off = 1;
    if (setjmp(panicked) == 0) {
        (void)!weft_thread_suspend(&self);
        cr_assert_fail("it was not refused");
    }
    cr_assert_str_eq(message, "weft_thread_suspend was called with preemption disabled");
    cr_assert_eq(self.suspended, 0);
}

/* ---- functions of the calling thread: hooks and slots ---- */

static struct weft_exit_hook hook;
static unsigned slot;

static void nothing(void *argument)
{
    (void)argument;
}

static void add(void)
{
    weft_thread_hook_add(&hook, nothing, NULL);
}

static void add_null(void)
{
    weft_thread_hook_add(NULL, nothing, NULL);
}

static void add_nothing(void)
{
    weft_thread_hook_add(&hook, NULL, NULL);
}

static void hook_remove(void)
{
    (void)!weft_thread_hook_remove(&hook);
}

static void remove_null(void)
{
    (void)!weft_thread_hook_remove(NULL);
}

static void slot_create(void)
{
    (void)!weft_slot_create(&slot, NULL);
}

static void slot_delete(void)
{
    (void)!weft_slot_delete(slot);
}

static void slot_set(void)
{
    (void)!weft_slot_set(slot, &slot);
}

static void slot_get(void)
{
    (void)weft_slot_get(slot);
}

#define HOOK_IN_INTERRUPT                                                                          \
    " was called in an interrupt handler: a hook belongs to the thread that calls"
#define SLOT_IN_INTERRUPT                                                                          \
    " was called in an interrupt handler, which has no slots: values belong to threads"

static const struct misuse {
    const char *name;
    void (*call)(void);
    bool interrupt;
    const char *text; /* behind the name */
} misuses[] = {
    {"weft_thread_hook_add", add, true, HOOK_IN_INTERRUPT},
    {"weft_thread_hook_add", add_null, false, ": the hook is NULL"},
    {"weft_thread_hook_add", add_nothing, false, ": the function is NULL"},
    {"weft_thread_hook_remove", hook_remove, true, HOOK_IN_INTERRUPT},
    {"weft_thread_hook_remove", remove_null, false, ": the hook is NULL"},
    {"weft_slot_create", slot_create, true, SLOT_IN_INTERRUPT},
    {"weft_slot_delete", slot_delete, true, SLOT_IN_INTERRUPT},
    {"weft_slot_set", slot_set, true, SLOT_IN_INTERRUPT},
    {"weft_slot_get", slot_get, true, SLOT_IN_INTERRUPT},
};

#define MISUSES (sizeof misuses / sizeof misuses[0])

static void try_misuse(const struct misuse *misuse)
{
    if (setjmp(panicked) == 0)
        misuse->call();
}

Test(thread_refusals, hooks_and_slots)
{
    char expected[256];

    for (size_t i = 0; i < MISUSES; i++) {
        setup();
        cores[0].interrupt_depth = misuses[i].interrupt;
        try_misuse(&misuses[i]);
        snprintf(expected, sizeof expected, "%s%s", misuses[i].name, misuses[i].text);
        cr_assert_str_eq(message, expected);
    }
}

/* ---- none is missing ---- */

/* Not here: they take any value, or are tested where they work (tests/board). */
static const char *const others[] = {
    "weft_thread_spawn", "weft_thread_exit",           "weft_thread_join",
    "weft_thread_self",  "weft_thread_yield",          "weft_thread_sleep_ns",
    "weft_thread_name",  "weft_thread_sleep_until_ns", "weft_thread_id",
    "weft_thread_count", "weft_thread_stack_used",     "weft_thread_priority",
};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < MISUSES; i++)
        if (strcmp(misuses[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i], name) == 0)
            return true;
    return false;
}

static void check_header(const char *path, const char *prefix)
{
    char line[256];
    unsigned found = 0;
    FILE *file = fopen(path, "r");

    cr_assert_not_null(file, "%s", path);
    while (fgets(line, sizeof line, file) != NULL) {
        char *name = strstr(line, prefix), *end = name != NULL ? strchr(name, '(') : NULL;

        if (end == NULL || line[0] == ' ' || strncmp(line, "/*", 2) == 0)
            continue;
        *end = '\0';
        if (strchr(name, ' ') != NULL)
            continue;
        cr_assert(is_known(name), "%s of %s has no row", name, path);
        found++;
    }
    fclose(file);
    cr_assert(found >= 4, "%s", path);
}

Test(thread_refusals, none_is_missing)
{
    check_header("include/weft/thread.h", "weft_thread_");
    check_header("include/weft/slot.h", "weft_slot_");
}
