/* SPDX-License-Identifier: MIT */
#include "mem_fake.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/console.h>
#include <weft/thread.h>
#include <weft/world.h>

#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/cores.h"
#include "kernel/print.h"
#include "kernel/spinlock.h"
#include "kernel/upcall.h"
#include "mem/heap.h"

#define GRAIN 512

struct core cores[WEFT_CONFIG_CORES];

struct core *fake_core_pointer(void)
{
    return &cores[fake_core_id];
}
FAKE_LOCAL unsigned fake_core_id;
FAKE_LOCAL bool fake_irq_on = true;
uint64_t fake_clock = 12345;

uint8_t *fake_region_start[FAKE_REGIONS];
size_t fake_region_bytes[FAKE_REGIONS];
static uint8_t *grain_released[FAKE_REGIONS];
static unsigned board_region_count, known_regions;
size_t fake_released_bytes;
unsigned fake_releases, fake_commits, fake_switches;
char fake_console[65536];
jmp_buf fake_panic_jump;
bool fake_panic_expected;
char fake_panic_text[512];

void *fake_memory(size_t bytes)
{
    unsigned i = known_regions++;

    cr_assert(i < FAKE_REGIONS);
    fake_region_start[i] = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
    cr_assert(fake_region_start[i]);
    memset(fake_region_start[i], 0xa5, bytes);
    fake_region_bytes[i] = bytes;
    grain_released[i] = calloc(1, bytes / GRAIN + 1);
    return fake_region_start[i];
}

void fake_boot(size_t bytes0, size_t bytes1)
{
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++)
        cores[i].id = i;
    fake_memory(bytes0);
    board_region_count = 1;
    if (bytes1) {
        fake_memory(bytes1);
        board_region_count = 2;
    }
    upcall_heap_init();
}

void fake_reset(void)
{
    for (unsigned i = 0; i < known_regions; i++) {
        free(fake_region_start[i]);
        free(grain_released[i]);
    }
    known_regions = board_region_count = 0;
    fake_released_bytes = 0;
    fake_console_clear();
    memset(&heap, 0, sizeof heap);
}

bool board_heap_region(unsigned index, struct board_region *region)
{
    if (index >= board_region_count)
        return false;
    region->start = fake_region_start[index];
    region->bytes = fake_region_bytes[index];
    return true;
}

bool upcall_memory_pressure(void)
{
    return false;
}

bool board_random_seed(uint8_t seed[32])
{
    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)(37 * i + 11);
    return true;
}

static void pages_set(void *start, size_t bytes, uint8_t released)
{
    uint8_t *from = start;

    cr_assert(cores[fake_core_id].preempt_off, "the board is asked with preemption on");
    cr_assert(fake_irq_on, "the board is asked with a lock held");
    for (unsigned i = 0; i < known_regions; i++) {
        size_t offset = (size_t)(from - fake_region_start[i]);

        if (from < fake_region_start[i] || offset >= fake_region_bytes[i])
            continue;
        cr_assert(bytes && offset + bytes <= fake_region_bytes[i]);
        cr_assert(offset % GRAIN == 0 && bytes % GRAIN == 0);
        for (size_t grain = offset / GRAIN; grain < (offset + bytes) / GRAIN; grain++) {
            cr_assert(grain_released[i][grain] != released, "released or committed twice");
            grain_released[i][grain] = released;
        }
        return;
    }
    cr_assert_fail("pages outside every region");
}

void board_pages_release(void *start, size_t bytes)
{
    pages_set(start, bytes, 1);
    memset(start, 0xdd, bytes);
    fake_released_bytes += bytes;
    fake_releases++;
}

void board_pages_commit(void *start, size_t bytes)
{
    pages_set(start, bytes, 0);
    fake_released_bytes -= bytes;
    fake_commits++;
}

void fake_console_clear(void)
{
    fake_console[0] = 0;
}

void print_console(const char *format, ...)
{
    size_t used = strlen(fake_console);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fake_console + used, sizeof(fake_console) - used, format, arguments);
    va_end(arguments);
}

static _Noreturn void panic_now(void)
{
    if (fake_panic_expected)
        longjmp(fake_panic_jump, 1);
    fprintf(stderr, "unexpected panic: %s\nconsole: %s\n", fake_panic_text, fake_console);
    abort();
}

void weft_panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fake_panic_text, sizeof(fake_panic_text), format, arguments);
    va_end(arguments);
    panic_now();
}

void assert_failed(const char *condition, const char *file, int line)
{
    snprintf(fake_panic_text, sizeof(fake_panic_text), "%s:%d: %s", file, line, condition);
    panic_now();
}

void fake_panic_after(void)
{
    fake_panic_expected = false;
    fake_irq_on = true;
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++)
        cores[i].preempt_off = cores[i].interrupt_depth = cores[i].ranks_held = 0;
}

void fake_interrupt_enter(bool busy)
{
    struct core *core = core_self();

    core->interrupt_depth++;
    core->preempt_off += busy;
    fake_irq_on = false;
}

void fake_interrupt_leave(bool busy)
{
    struct core *core = core_self();

    core->interrupt_depth--;
    core->preempt_off -= busy;
    fake_irq_on = true;
}

/* ---- threads ---- */

uint32_t fake_thread_id = 1;

void (*fake_thread_hook)(void);

struct weft_thread *weft_thread_self(void)
{
    if (fake_thread_hook)
        fake_thread_hook();
    return (struct weft_thread *)&fake_thread_id;
}

uint32_t weft_thread_id(const struct weft_thread *thread)
{
    return *(const uint32_t *)thread;
}

uint32_t upcall_thread_number(void)
{
    const struct weft_thread *self = core_self()->interrupt_depth ? NULL : weft_thread_self();

    cr_assert(WEFT_CONFIG_CORES == 1 || !fake_irq_on);
    return self ? weft_thread_id(self) : 0;
}

/* ---- other cores, and the world ---- */

uint32_t cores_running = (1u << WEFT_CONFIG_CORES) - 1;
unsigned fake_ipis, fake_world_stops;

void board_ipi_send(unsigned core)
{
    cr_assert(!fake_irq_on && core != fake_core_id && core < WEFT_CONFIG_CORES);
    fake_ipis++;
}

/* The collector's tests have a world of their own. */
__attribute__((weak)) bool upcall_world_may_stop(void)
{
    return false;
}

__attribute__((weak)) void weft_world_stop(const char *reason)
{
    const struct core *core = core_self();

    if (core->interrupt_depth || core->preempt_off || core->ranks_held || !fake_irq_on)
        weft_panic("weft_world_stop(\"%s\") where it may not be", reason);
    core_self()->preempt_off++;
    fake_world_stops++;
}

__attribute__((weak)) void weft_world_start(void)
{
    core_self()->preempt_off--;
}

void upcall_preempt_pending(void)
{
    cr_assert(core_self()->preempt_off == 0 && core_self()->interrupt_depth == 0);
    core_self()->reschedule = 0;
    fake_switches++;
}

void spinlock_rank_acquire(const struct spinlock *lock)
{
    struct core *core = core_self();

    cr_assert((core->ranks_held >> lock->rank) == 0, "lock %s taken out of order", lock->name);
    core->ranks_held |= 1u << lock->rank;
}

void spinlock_rank_release(const struct spinlock *lock)
{
    core_self()->ranks_held &= ~(1u << lock->rank);
}

void fake_lock_take(uintptr_t *word, uintptr_t owner)
{
    uintptr_t nobody = 0;

    cr_assert(!fake_irq_on && __atomic_load_n(word, __ATOMIC_RELAXED) != owner,
              "a lock is taken twice");
    while (!__atomic_compare_exchange_n(word, &nobody, owner, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        arch_cpu_relax();
        nobody = 0;
    }
}

uint64_t fake_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void fake_check_quiescent(void)
{
    struct weft_mstats stats;

    weft_heap_stats(&stats);
    cr_assert(stats.sys_pages ==
              stats.inuse_pages + stats.idle_pages + stats.stack_pages + stats.meta_pages);
    cr_assert(stats.released_pages <= stats.idle_pages);
    cr_assert(stats.released_pages * stats.page_bytes == fake_released_bytes);
    cr_assert(stats.peak_pages >= stats.inuse_pages + stats.stack_pages);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++)
        cr_assert(cores[i].preempt_off == 0);
    cr_assert(fake_irq_on);
}
