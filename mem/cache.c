/* SPDX-License-Identifier: MIT */
/*
 * Per-core caches.
 *
 * Per class, a stack of pointers to free objects, in memory of its own: whoever writes to a freed
 * object cannot damage it. Only its core touches it, with preemption off, so there is no lock. A
 * handler that interrupts anything with preemption off stays away (prim_cache_enter), or its CPU
 * can do without (PRIM_RESTARTABLE). A free that a handler cannot finish is noted in the core's
 * list of deferred blocks, which the core's next slow operation works off.
 *
 * Objects of NORMAL memory only: those of other kinds go to and from their spans one by one, since
 * a cache that held both would have to look at each object that it gives.
 *
 * A free object goes into the cache of the core that frees it, wherever it came from; a core that
 * only frees fills its cache, and every `batch`-th free moves a batch to the spans, where the core
 * that only allocates gets them from.
 */
#include "mem/cache.h"

#include "mem/central.h"
#include "mem/large.h"
#include "mem/report.h"
#include "mem/scavenger.h"

static uintptr_t *bin_bottom(const struct cache_bin *bin, unsigned class)
{
    return bin->limit - heap.class[class].depth;
}

/* The slow side keeps handlers out while it changes a stack: some CPUs let them use it (fast.h). */
static uintptr_t bin_pop(struct cache_bin *bin)
{
    arch_irq_state state = arch_irq_save();
    uintptr_t object = bin->top[-1];

    if (object)
        bin->top--;
    arch_irq_restore(state);
    return object;
}

static bool bin_push(struct cache_bin *bin, uintptr_t object)
{
    arch_irq_state state = arch_irq_save();
    bool room = bin->top != bin->limit;

    if (room)
        *bin->top++ = object;
    arch_irq_restore(state);
    return room;
}

/* Moves up to `count` objects from the top of the cache to their spans. */
static void bin_relieve(struct cache_bin *bin, unsigned class, unsigned count)
{
    uintptr_t batch[CACHE_BATCH_MAX];
    unsigned moved = 0;

    ASSERT(count <= CACHE_BATCH_MAX);
    while (moved < count && (batch[moved] = bin_pop(bin)) != 0)
        moved++;
    central_put(class, batch, moved);
}

/* One object for the caller, the rest of the batch into the cache. */
static uintptr_t bin_fill(struct cache_bin *bin, unsigned class)
{
    uintptr_t batch[CACHE_BATCH_MAX];
    unsigned count = central_get(WEFT_MEMORY_NORMAL, class, batch, heap.class[class].batch);

    for (unsigned i = 1; i < count; i++)
        if (!bin_push(bin, batch[i]))
            central_put(class, &batch[i], 1);
    return count ? batch[0] : 0;
}

void *cache_get(struct core *core, unsigned class)
{
    struct cache_bin *bin = &heap.cache[core->id].bin[class];
    uintptr_t *object;

    ASSERT(core->preempt_off && core->interrupt_depth == 0);
    object = (uintptr_t *)bin_pop(bin);
    if (!object)
        object = (uintptr_t *)bin_fill(bin, class);
    if (object)
        object[0] = 0;
    return object;
}

void *cache_get_cached(const struct core *core, unsigned class)
{
    uintptr_t *object = (uintptr_t *)bin_pop(&heap.cache[core->id].bin[class]);

    if (object)
        object[0] = 0;
    return object;
}

void cache_put(struct core *core, unsigned class, uintptr_t object)
{
    struct cache_bin *bin = &heap.cache[core->id].bin[class];

    ASSERT(core->preempt_off && core->interrupt_depth == 0);
    *(uintptr_t *)object = heap.mark;
    while (!bin_push(bin, object))
        bin_relieve(bin, class, heap.class[class].batch);
}

void cache_free(struct core *core, int kind, uintptr_t block)
{
    if (kind < 0)
        large_free(block);
    else if (heap_region_of(block)->memory == WEFT_MEMORY_NORMAL)
        cache_put(core, (unsigned)kind, block);
    else
        central_put((unsigned)kind, &block, 1);
}

void cache_defer(struct core *core, uintptr_t block)
{
    struct cache *cache = &heap.cache[core->id];
    struct deferred_block *deferred = (struct deferred_block *)block;
    arch_irq_state state = arch_irq_save();

    deferred->mark = heap.mark;
    deferred->next = cache->deferred;
    cache->deferred = deferred;
    arch_irq_restore(state);
    __atomic_fetch_add(&heap.stats.deferred, 1, __ATOMIC_RELAXED);
}

__attribute__((noinline)) void cache_drain_one(struct core *core)
{
    struct cache *cache = &heap.cache[core->id];
    arch_irq_state state = arch_irq_save();
    uintptr_t block = (uintptr_t)cache->deferred;

    if (block)
        cache->deferred = cache->deferred->next;
    arch_irq_restore(state);
    if (block) {
        const struct region *region = heap_region_of(block);

        cache_free(core, region->kinds[(block - region->base) >> heap.page_shift], block);
    }
}

/* One at a time, so that a second free of those that wait is still noticed. */
void cache_drain(struct core *core)
{
    if (!WEFT_CONFIG_HEAP_DETERMINISTIC && cache_flush_wanted(core))
        cache_flush(core);
    while (heap.cache[core->id].deferred)
        cache_drain_one(core);
}

static void bin_flush(struct cache_bin *bin, unsigned class)
{
    while (bin->top != bin_bottom(bin, class))
        bin_relieve(bin, class, heap.class[class].batch);
}

void cache_flush(struct core *core)
{
    struct cache *cache = &heap.cache[core->id];

    __atomic_store_n(&cache->flush_wanted, 0, __ATOMIC_RELAXED);
    cache_drain(core);
    for (unsigned class = 1; class <= heap.classes; class ++)
        bin_flush(&cache->bin[class], class);
}

bool cache_flush_wanted(const struct core *core)
{
    return __atomic_load_n(&heap.cache[core->id].flush_wanted, __ATOMIC_RELAXED) != 0;
}

/* A class at a time, so that a thread that comes ready meanwhile waits for one only. */
void cache_flush_idle(void)
{
    struct core *core = prim_enter();

    __atomic_store_n(&heap.cache[core->id].flush_wanted, 0, __ATOMIC_RELAXED);
    cache_drain(core);
    prim_leave(core);
    for (unsigned class = 1; class <= heap.classes; class ++) {
        core = prim_enter();
        bin_flush(&heap.cache[core->id].bin[class], class);
        prim_leave(core);
    }
}

void cache_flush_ask(const struct core *self)
{
    arch_irq_state state = arch_irq_save();

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        __atomic_store_n(&heap.cache[id].flush_wanted, 1, __ATOMIC_RELAXED);
        if (WEFT_CONFIG_CORES > 1 && id != self->id && (cores_online() >> id & 1) != 0)
            board_ipi_send(id);
    }
    arch_irq_restore(state);
}

static bool slots_hold(const uintptr_t *slot, const uintptr_t *top, uintptr_t object)
{
    for (; slot < top; slot++)
        if (*slot == object)
            return true;
    return false;
}

bool cache_holds(unsigned class, uintptr_t object)
{
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        const struct cache *cache = &heap.cache[core];
        const struct cache_bin *bin = &cache->bin[class];

        if (class && slots_hold(bin_bottom(bin, class), bin->top, object))
            return true;
        for (const struct deferred_block *block = cache->deferred; block; block = block->next)
            if ((uintptr_t)block == object)
                return true;
    }
    return false;
}

size_t cache_count(unsigned class)
{
    size_t count = 0;

    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        const struct cache_bin *bin = &heap.cache[core].bin[class];

        count += (size_t)(bin->top - bin_bottom(bin, class));
    }
    return count;
}

/* What cache_init makes of the class, its slots starting at `slots`. */
static struct cache_bin bin_made(unsigned class, uintptr_t *slots)
{
    const struct class_info *info = &heap.class[class];

    return (struct cache_bin){.top = slots + 1,
                              .limit = slots + 1 + info->depth,
                              .mask = ((uint32_t)info->pages << heap.page_shift) - 1,
                              .reciprocal = UINT32_MAX / info->size + 1};
}

static int slot_check(unsigned class, uintptr_t object)
{
    const struct region *region = heap_region_of(object);

    if (!region || region->memory != WEFT_MEMORY_NORMAL || object % GRANULE ||
        region->kinds[(object - region->base) >> heap.page_shift] != (int)class ||
        central_locate(region, class, object) != FAULT_NONE ||
        *(const uintptr_t *)object != heap.mark || central_holds(object))
        return report_state("cached object", object);
    return 0;
}

static int deferred_check(const struct cache *cache)
{
    const struct deferred_block *block = cache->deferred;

    for (size_t most = heap.stats.sys_pages << heap.page_shift; block; block = block->next)
        if (!heap_region_of((uintptr_t)block) || (uintptr_t)block % GRANULE ||
            block->mark != heap.mark || most-- == 0)
            return report_state("list of deferred blocks", (uintptr_t)block);
    return 0;
}

int cache_check(const struct core *core)
{
    const struct cache *cache = &heap.cache[core->id];
    uintptr_t *slots = heap.slots[core->id];

    if (cache->bin[0].top != slots + 1 || slots[0] != 0)
        return report_state("cache", (uintptr_t)cache);
    for (unsigned class = 1; class <= heap.classes; class ++) {
        const struct cache_bin *bin = &cache->bin[class];
        struct cache_bin made = bin_made(class, slots);

        if (bin->limit != made.limit || bin->mask != made.mask ||
            bin->reciprocal != made.reciprocal || slots[0] != 0 || bin->top < made.top ||
            bin->top > made.limit)
            return report_state("cache", (uintptr_t)bin);
        for (const uintptr_t *slot = made.top; slot < bin->top; slot++) {
            int result = slot_check(class, *slot);

            if (result)
                return result;
        }
        slots = made.limit + 1;
    }
    return deferred_check(cache);
}

void cache_init(struct cache *cache, uintptr_t *slots)
{
    cache->bin[0].top = cache->bin[0].limit = slots + 1; /* class 0 is always empty */
    for (unsigned class = 1; class <= heap.classes; class ++) {
        cache->bin[class] = bin_made(class, slots);
        slots[0] = 0;
        slots = cache->bin[class].limit + 1;
    }
}
