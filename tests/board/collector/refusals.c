/* SPDX-License-Identifier: MIT */
/* Where the world can't be stopped, a cycle is refused, and allocation goes on without one. */
#include "arch/irq.h"
#include "image.h"
#include "kernel/core.h"
#include "kernel/spinlock.h"
#include "sched/world.h"

static struct spinlock some_lock = SPINLOCK_INITIALIZER(RANK_HEAP_PAGES, "some lock");

void under_lock(void)
{
    (void)spinlock_lock(&some_lock);
    weft_gc();
}

/* As the way into an interrupt has it: trap_enter. */
static void interrupt_begin(void)
{
    (void)arch_irq_save();
    core_self()->interrupt_depth++;
}

void in_interrupt(void)
{
    interrupt_begin();
    weft_gc();
}

void alloc_in_interrupt(void)
{
    interrupt_begin();
    (void)!weft_gc_alloc(8, 0);
}

void preemption_off(void)
{
    weft_preempt_disable();
    weft_gc();
}

void world_stopped(void)
{
    weft_world_stop("the caller's");
    weft_gc();
}

void on_system_stack(void)
{
    (void)arch_irq_save();
    core_self()->current = NULL; /* as on the boot path, where no thread is current */
    weft_gc();
}

static struct weft_gc_root root;
static void *rooted[4];

void root_twice(void)
{
    weft_gc_root_add(&root, rooted, sizeof rooted);
    weft_gc_root_add(&root, rooted, sizeof rooted);
    weft_gc();
}

void root_wraps(void)
{
    weft_gc_root_add(&root, rooted, SIZE_MAX);
    weft_gc();
}

static void end_thread(void *block, void *argument)
{
    (void)block;
    weft_thread_exit(argument);
}

static __attribute__((noinline)) void drop_blocks(void)
{
    for (unsigned i = 0; i < 100; i++)
        CHECK(weft_gc_finalizer_set(weft_gc_alloc(16, 0), end_thread, NULL) == 0);
}

void finalizer_ends(void)
{
    drop_blocks();
    weft_gc();
    weft_thread_sleep_ns(1000000000); /* it comes at once */
}

/* With a goal that is reached, allocation goes on where the world can't be stopped. */
void allocation_pinned(void)
{
    struct weft_gc_stats stats;

    weft_gc_set_growth(1);
    CHECK(weft_gc_alloc(100000, 0) != NULL);
    weft_preempt_disable();
    for (unsigned i = 0; i < 100; i++)
        CHECK(weft_gc_alloc(1000, 0) != NULL);
    weft_preempt_enable();
    weft_gc_stats(&stats);
    CHECK(stats.cycles == 0);
    CHECK(weft_gc_alloc(8, 0) != NULL);
    weft_gc_stats(&stats);
    CHECK(stats.cycles == 1);
    puts("pinned allocation done");
}
