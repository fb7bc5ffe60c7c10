/* SPDX-License-Identifier: MIT */
/*
 * malloc and free: a hot pair, means over ranges of sizes, the worst single call; beside newlib's
 * own malloc on the same loops (its objects are in the image under other names). Under -icount
 * shift=0 a nanosecond is an instruction.
 */
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include "arch/irq.h"
#include "tests/bench/measure.h"
#include "tests/board/random.h"

#define SLOTS 256
#define STEPS 4096
#define PEER_BYTES (4u << 20)

struct allocator {
    const char *name;
    void *(*alloc)(size_t bytes);
    void (*release)(void *block);
};

/* ---- newlib's ---- */

void *peer_malloc_r(struct _reent *reent, size_t bytes);
void peer_free_r(struct _reent *reent, void *block);
void *peer_sbrk_r(struct _reent *reent, ptrdiff_t more);
void peer_lock(struct _reent *reent);
void peer_unlock(struct _reent *reent);

static char *peer_memory;
static size_t peer_used;
static struct _reent *peer_reent; /* looked up once: that is no cost of the heap's */

void *peer_sbrk_r(struct _reent *reent, ptrdiff_t more)
{
    char *start = peer_memory + peer_used;

    (void)reent;
    if (more > 0 && (size_t)more > PEER_BYTES - peer_used)
        return (void *)-1;
    peer_used += (size_t)more;
    return start;
}

void peer_lock(struct _reent *reent)
{
    (void)reent;
}

void peer_unlock(struct _reent *reent)
{
    (void)reent;
}

static void *peer_alloc(size_t bytes)
{
    return peer_malloc_r(peer_reent, bytes);
}

static void peer_release(void *block)
{
    peer_free_r(peer_reent, block);
}

/* What the loops cost by themselves. */
static void *no_alloc(size_t bytes)
{
    static uint64_t place[2];

    __asm__ volatile("" : : "r"(bytes));
    return place;
}

static void no_release(void *block)
{
    __asm__ volatile("" : : "r"(block));
}

static const struct allocator weft = {"weft", malloc, free};
static const struct allocator newlib = {"newlib", peer_alloc, peer_release};
static const struct allocator none = {"none", no_alloc, no_release};

/* ---- the loops ---- */

static void *slot[SLOTS];
static uint16_t bytes_of[STEPS];
static uint8_t slot_of[STEPS];

static void steps_make(size_t least, size_t most)
{
    uint32_t state = 12345;

    for (unsigned i = 0; i < STEPS; i++) {
        bytes_of[i] = (uint16_t)(least + next_random(&state) % (most - least + 1));
        slot_of[i] = (uint8_t)(next_random(&state) % SLOTS);
    }
}

static unsigned hot(const struct allocator *a)
{
    return MEASURE(STEPS, a->release(a->alloc(32)));
}

static void step(const struct allocator *a, unsigned i)
{
    a->release(slot[slot_of[i]]);
    slot[slot_of[i]] = a->alloc(bytes_of[i]);
}

static void slots_fill(const struct allocator *a)
{
    for (unsigned i = 0; i < SLOTS; i++)
        slot[i] = a->alloc(bytes_of[i]);
    for (unsigned i = 0; i < STEPS; i++)
        step(a, i);
}

static void slots_empty(const struct allocator *a)
{
    for (unsigned i = 0; i < SLOTS; i++)
        a->release(slot[i]);
}

static unsigned churn(const struct allocator *a)
{
    return MEASURE(STEPS, step(a, round_));
}

/* One call, with interrupts off, without what reading the clock costs. */
static unsigned call_cost(const struct allocator *a, unsigned i, bool alloc)
{
    arch_irq_state state = arch_irq_save();
    uint64_t start = tick_now(), took;

    if (alloc)
        slot[slot_of[i]] = a->alloc(bytes_of[i]);
    else
        a->release(slot[slot_of[i]]);
    took = tick_now() - start;
    arch_irq_restore(state);
    return (unsigned)tick_cycles_to_ns(took);
}

static void worst(const struct allocator *a, unsigned *alloc, unsigned *release)
{
    *alloc = *release = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned cost = call_cost(a, i, false);

        *release = cost > *release ? cost : *release;
        cost = call_cost(a, i, true);
        *alloc = cost > *alloc ? cost : *alloc;
    }
}

static void print(const char *what, const struct allocator *a, unsigned hundredths_)
{
    printf("bench: %s_%s %u.%02u\n", what, a->name, hundredths_ / 100, hundredths_ % 100);
}

static void range(const char *name, const struct allocator *a, size_t least, size_t most)
{
    unsigned cost, empty, alloc, release, no_a, no_r;
    char row[64];

    steps_make(least, most);
    slots_fill(&none);
    empty = churn(&none);
    worst(&none, &no_a, &no_r);
    slots_fill(a);
    cost = churn(a);
    snprintf(row, sizeof row, "malloc_free_%s", name);
    print(row, a, cost - empty);
    worst(a, &alloc, &release);
    slots_empty(a);
    snprintf(row, sizeof row, "malloc_worst_%s", name);
    print(row, a, (alloc - no_a) * 100);
    snprintf(row, sizeof row, "free_worst_%s", name);
    print(row, a, (release - no_r) * 100);
}

static void all(const struct allocator *a)
{
    unsigned empty;

    hot(&none);
    empty = hot(&none);
    hot(a);
    print("malloc_free_hot", a, hot(a) - empty);
    range("8_to_256", a, 8, 256);
    range("8_to_8192", a, 8, 8192);
}

int main(void)
{
    peer_memory = malloc(PEER_BYTES);
    peer_reent = _REENT;
    all(&weft);
    all(&newlib);
    return 0;
}
