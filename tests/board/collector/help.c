/* SPDX-License-Identifier: MIT */
/* Other cores mark, and run no thread meanwhile: what they are asked to do is wrapped (link-flags).
 * A profile of cycles. */
#include <string.h>

#include "image.h"
#include "kernel/core.h"
#include "kernel/upcall.h"
#include "sched/sched.h"
#include "sched/world.h"

#define HELP_BLOCKS 12000u
#define HELP_CYCLES_MAX 3000u

void __real_upcall_world_help_begin(void (*help)(unsigned core));
void __real_upcall_world_help_end(void);
void __wrap_upcall_world_help_begin(void (*help)(unsigned core));
void __wrap_upcall_world_help_end(void);

static _Atomic bool done;
static void (*help_real)(unsigned core);
static volatile uint32_t counted[WEFT_CONFIG_CORES]; /* by threads that never wait */
static uint32_t counted_before[WEFT_CONFIG_CORES];
static uint32_t came;

static void help_checked(unsigned id)
{
    const struct core *core = core_self();

    CHECK(core->id == id && sched_is_idle(core) && core->preempt_off == 0);
    CHECK(world.stopping && world.core != id &&
          (__atomic_load_n(&world.parked, __ATOMIC_RELAXED) >> id & 1) != 0);
    __atomic_fetch_or(&came, 1u << id, __ATOMIC_RELAXED);
    help_real(id);
    CHECK(core == core_self() && world.stopping);
}

void __wrap_upcall_world_help_begin(void (*help)(unsigned core))
{
    memcpy(counted_before, (const void *)counted, sizeof counted_before);
    help_real = help;
    __real_upcall_world_help_begin(help_checked);
}

void __wrap_upcall_world_help_end(void)
{
    __real_upcall_world_help_end();
    CHECK(world.helping == 0);
    CHECK(memcmp(counted_before, (const void *)counted, sizeof counted_before) == 0);
}

static void *count_on(void *argument)
{
    volatile uint32_t *counter = argument;

    while (!done)
        *counter = *counter + 1;
    return NULL;
}

/* A wake that becomes due while the world is stopped. */
static void *wake_often(void *argument)
{
    while (!done)
        weft_thread_sleep_ns(50000);
    return argument;
}

static unsigned tree_count(const struct cell32 *top)
{
    return top == NULL ? 0 : 1 + tree_count(top->left) + tree_count(top->right);
}

static void help_come(uint32_t all)
{
    struct weft_gc_stats stats;

    do {
        weft_gc();
        CHECK(tree_count(tree) == HELP_BLOCKS);
        weft_gc_stats(&stats);
        CHECK(stats.live_bytes >= HELP_BLOCKS * 32 && stats.live_bytes <= HELP_BLOCKS * 32 + 2048);
    } while ((came != all || stats.chunks_shared == 0) && stats.cycles < HELP_CYCLES_MAX);
    CHECK(came == all && stats.chunks_shared > 0);
}

void helping(void)
{
    const struct weft_thread_attr low = {.priority = WEFT_PRIORITY_DEFAULT - 1};
    struct weft_thread *thread[WEFT_CONFIG_CORES + 1];
    uint32_t all = ((1u << weft_core_count()) - 1) & ~1u;

    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    CHECK((tree = tree_make(HELP_BLOCKS)) != NULL);
    for (unsigned i = 0; i < weft_core_count(); i++)
        CHECK(weft_thread_spawn(&thread[i], &low, count_on, (void *)&counted[i]) == 0);
    CHECK(weft_thread_spawn(&thread[WEFT_CONFIG_CORES], NULL, wake_often, NULL) == 0);
    help_come(all);
    done = true;
    for (unsigned i = 0; i < weft_core_count(); i++)
        CHECK(weft_thread_join(thread[i], NULL) == 0);
    CHECK(weft_thread_join(thread[WEFT_CONFIG_CORES], NULL) == 0);
    tree = NULL;
    weft_gc();
    CHECK(weft_heap_check() == 0);
    printf("help done: cores 0x%x came\n", (unsigned)came);
}

/* ---- profile ---- */

#define PROFILE_NS 200000000u

/* Ends when both cores have marked for some time. */
void profile(void)
{
    struct weft_gc_stats stats;
    uint64_t began = weft_time_ns();

    CHECK((tree = tree_make(HELP_BLOCKS)) != NULL);
    CHECK(weft_profile_start(5000) == 0);
    do {
        weft_gc();
        weft_gc_stats(&stats);
    } while (weft_time_ns() - began < PROFILE_NS ||
             (weft_core_count() > 1 && stats.chunks_shared < 20 && stats.cycles < HELP_CYCLES_MAX));
    CHECK(weft_profile_stop() == 0 && weft_profile_send() == 0);
    printf("profile done: %u cycles\n", (unsigned)stats.cycles);
}
