/* SPDX-License-Identifier: MIT */
/*
 * Stacks, as sanitizers and valgrind want to hear about them. Without either, nothing but
 * valgrind's few instructions at the start and end of a stack is here.
 *
 * AddressSanitizer keeps marks beside each stack and must know which one is in use: it is told
 * before and after each switch, and a stack that is handed out again is cleared of its marks.
 * ThreadSanitizer has a fiber for each stack, switched along. That orders what threads of one core
 * do after each other, so it finds races between cores (CORES=2 and more), not between threads that
 * one core runs in turn.
 *
 * A switch knows stack pointers only, so the records are in a list, the latest used first.
 */
#include "arch/context.h"

#include <stdlib.h>

#include "arch/amd64/hosted/hosted.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "kernel/core.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(lo, hi) 0u
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#define RUNNING_ON_VALGRIND 0
#endif

#if defined(HOSTED_SANITIZE_address) || defined(HOSTED_SANITIZE_thread)
#define HAS_SWITCH_HOOK 1
#else
#define HAS_SWITCH_HOOK 0
#endif

struct record {
    struct record *next;
    uintptr_t lo, hi;
    unsigned valgrind_id;
    void *fiber;      /* ThreadSanitizer's */
    void *fake_stack; /* AddressSanitizer's, while parked */
    void (*entry)(void *argument);
    void *argument;
};

static struct record *records;
static bool records_busy;

static arch_irq_state records_lock(void)
{
    arch_irq_state state = arch_irq_save();

    while (__atomic_exchange_n(&records_busy, true, __ATOMIC_ACQUIRE))
        arch_cpu_relax();
    return state;
}

static void records_unlock(arch_irq_state state)
{
    __atomic_store_n(&records_busy, false, __ATOMIC_RELEASE);
    arch_irq_restore(state);
}

/* Out of the list: the record whose stack `sp` is on; NULL when it is nobody's. */
static struct record *take_locked(uintptr_t sp)
{
    for (struct record **at = &records; *at != NULL; at = &(*at)->next) {
        struct record *found = *at;

        if (sp >= found->lo && sp <= found->hi) {
            *at = found->next;
            return found;
        }
    }
    return NULL;
}

static void put_locked(struct record *record)
{
    record->next = records;
    records = record;
}

/* ---- the sanitizers' own functions ----------------------------------------------------------- */

#if defined(HOSTED_SANITIZE_address)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Leaks: only the stacks of pthreads would be searched for pointers. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:allocator_may_return_null=1:handle_segv=0:handle_sigbus=0:"
           "handle_sigfpe=0:handle_sigill=0:handle_abort=0";
}

static void memory_clean(uintptr_t lo, uintptr_t hi)
{
    __asan_unpoison_memory_region((void *)lo, hi - lo);
}

static void fiber_make(struct record *record)
{
    (void)record;
}

static void fiber_end(struct record *record)
{
    (void)record;
}

static void leave(struct record *from, const struct record *to)
{
    __sanitizer_start_switch_fiber(from != NULL ? &from->fake_stack : NULL, (const void *)to->lo,
                                   to->hi - to->lo);
}

static void arrive(const struct record *self)
{
    __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
}
#elif defined(HOSTED_SANITIZE_thread)
#include <sanitizer/tsan_interface.h>

static void memory_clean(uintptr_t lo, uintptr_t hi)
{
    (void)lo;
    (void)hi;
}

static void fiber_make(struct record *record)
{
    record->fiber = __tsan_create_fiber(0);
}

static void fiber_end(struct record *record)
{
    __tsan_destroy_fiber(record->fiber);
}

static void leave(struct record *from, const struct record *to)
{
    (void)from;
    __tsan_switch_to_fiber(to->fiber, 0);
}

static void arrive(const struct record *self)
{
    (void)self;
}
#endif

/* ---- opening and closing --------------------------------------------------------------------- */

#if !HAS_SWITCH_HOOK
static void memory_clean(uintptr_t lo, uintptr_t hi)
{
    (void)lo;
    (void)hi;
}

static void fiber_make(struct record *record)
{
    (void)record;
}

static void fiber_end(struct record *record)
{
    (void)record;
}
#endif

void hosted_stack_clean(uintptr_t lo, uintptr_t hi)
{
    memory_clean(lo, hi);
}

void hosted_stack_open(uintptr_t lo, uintptr_t hi)
{
    struct record *record;
    arch_irq_state state;

    if (!HAS_SWITCH_HOOK && !RUNNING_ON_VALGRIND)
        return;
    record = calloc(1, sizeof *record);
    if (record == NULL)
        return; /* the tool knows less; the program runs */
    record->lo = lo;
    record->hi = hi;
    memory_clean(lo, hi);
    fiber_make(record);
    record->valgrind_id = VALGRIND_STACK_REGISTER(lo, hi);
    state = records_lock();
    put_locked(record);
    records_unlock(state);
}

void hosted_stack_close(uintptr_t lo, uintptr_t hi)
{
    struct record *record;
    arch_irq_state state;

    if (!HAS_SWITCH_HOOK && !RUNNING_ON_VALGRIND)
        return;
    memory_clean(lo, hi);
    state = records_lock();
    record = take_locked(hi);
    records_unlock(state);
    if (record == NULL)
        return;
    VALGRIND_STACK_DEREGISTER(record->valgrind_id);
    fiber_end(record);
    free(record);
}

/* ---- the switch ------------------------------------------------------------------------------ */

#if HAS_SWITCH_HOOK
/* switch.S and context.c, under other names (arch.mk). */
void hosted_switch(void **save_sp, void *next_sp);
void *hosted_context_init(void *stack_top, void (*entry)(void *argument), void *argument);

/* Whose stack each core is on; NULL: the boot context's. */
static struct record *current[WEFT_CONFIG_CORES];

static struct record *find(uintptr_t sp)
{
    arch_irq_state state = records_lock();
    struct record *record = take_locked(sp);

    if (record != NULL)
        put_locked(record);
    records_unlock(state);
    return record;
}

void arch_switch(void **save_sp, void *next_sp)
{
    struct record *self = current[core_self()->id], *next = find((uintptr_t)next_sp);

    current[core_self()->id] = next;
    if (next != NULL)
        leave(self, next);
    hosted_switch(save_sp, next_sp);
    current[core_self()->id] = self; /* perhaps another core */
    if (self != NULL)
        arrive(self);
}

/* A new context does not come out of arch_switch. */
static void first_entry(void *argument)
{
    struct record *self = argument;

    arrive(self);
    self->entry(self->argument);
}

void *arch_context_init(void *stack_top, void (*entry)(void *argument), void *argument)
{
    struct record *record = find((uintptr_t)stack_top);

    if (record == NULL)
        return hosted_context_init(stack_top, entry, argument);
    record->entry = entry;
    record->argument = argument;
    return hosted_context_init(stack_top, first_entry, record);
}
#endif
