/* SPDX-License-Identifier: MIT */
#include "gc_fake.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <weft/semaphore.h>
#include <weft/thread.h>
#include <weft/time.h>

#include "kernel/upcall.h"
#include "mem/gc.h"
#include "mem_fake.h"

uintptr_t fake_roots[FAKE_ROOTS], fake_root_lo, fake_root_hi;
__asm__(".globl fake_roots_end\n.set fake_roots_end, fake_roots + 4096");
_Static_assert(sizeof fake_roots == 4096, "the line above says where they end");
unsigned char core_system_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_SYSTEM_STACK_BYTES];
unsigned char upcall_idle_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_IDLE_STACK_BYTES];

bool fake_may_stop = true;
static void *(*thread_entry)(void *argument);
static unsigned permits;
static jmp_buf thread_waits;

bool upcall_world_may_stop(void)
{
    return fake_may_stop;
}

/* Nothing but fake_roots, which is the image's data. */
void upcall_world_idle(unsigned core, uintptr_t *lo, uintptr_t *hi)
{
    *lo = *hi = (uintptr_t)upcall_idle_stacks[core];
}

void upcall_world_roots(void (*visit)(void *context, uintptr_t lo, uintptr_t hi), void *context)
{
    cr_assert(fake_stopped);
    visit(context, fake_root_lo, fake_root_hi);
}

uint64_t weft_time_ns(void)
{
    return fake_clock += 1500;
}

size_t weft_thread_count(void)
{
    return 3;
}

int weft_thread_spawn(struct weft_thread **thread, const struct weft_thread_attr *attr,
                      void *(*entry)(void *argument), void *argument)
{
    cr_assert(thread == NULL && attr->detached && argument == NULL && !thread_entry);
    cr_assert_str_eq(attr->name, "finalizer");
    thread_entry = entry;
    return 0;
}

void weft_thread_hook_add(struct weft_exit_hook *hook, void (*function)(void *argument),
                          void *argument)
{
    (void)hook, (void)function, (void)argument;
}

int weft_semaphore_post(struct weft_semaphore *semaphore)
{
    (void)semaphore;
    permits++;
    return 0;
}

/* The thread sleeps when there is nothing to do: out of it. */
int weft_semaphore_wait(struct weft_semaphore *semaphore)
{
    (void)semaphore;
    cr_assert(!fake_stopped);
    if (permits == 0)
        longjmp(thread_waits, 1);
    permits--;
    return 0;
}

/* ---- other cores help: threads of the host ---- */

#ifdef FAKE_HELPERS
static struct {
    pthread_t thread;
    unsigned core;
    void (*help)(unsigned core);
} helpers[WEFT_CONFIG_CORES];

/* Some come at once, some late, or when it is over. */
static void *helper_main(void *argument)
{
    unsigned core = *(unsigned *)argument;

    fake_core_id = core;
    for (uint64_t i = fake_random(&(uint64_t){(uintptr_t)argument + fake_world_stops}) % 20; i; i--)
        sched_yield();
    helpers[core].help(core);
    return NULL;
}

void upcall_world_help_begin(void (*help)(unsigned core))
{
    cr_assert(fake_stopped);
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        helpers[id].core = id;
        helpers[id].help = help;
        if (id != fake_core_id)
            cr_assert_eq(pthread_create(&helpers[id].thread, NULL, helper_main, &helpers[id].core),
                         0);
    }
}

void upcall_world_help_end(void)
{
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if (id != fake_core_id)
            cr_assert_eq(pthread_join(helpers[id].thread, NULL), 0);
}
#else
void upcall_world_help_begin(void (*help)(unsigned core))
{
    (void)help; /* nobody comes */
}

void upcall_world_help_end(void)
{
}
#endif

void fake_finalizers_run(void)
{
    if (thread_entry && setjmp(thread_waits) == 0)
        thread_entry(NULL);
}

unsigned fake_blocks(void)
{
    unsigned blocks = 0;

    for (const struct gc_span *span = gc.all; span; span = span->all_next)
        for (uint32_t i = 0; i < span->blocks; i++)
            blocks += span->bits[i / 32].allocated >> (i % 32) & 1;
    return blocks;
}
