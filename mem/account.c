/* SPDX-License-Identifier: MIT */
/*
 * What each thread has allocated.
 *
 * An *account* is a row of counters: blocks and bytes that its thread allocated, and those of them
 * that anybody has freed. The first row is for handlers and boot, the second for threads that found
 * no row; the others belong to a thread each, and are found by its number. When all are taken, a
 * row whose blocks have all been freed goes to the thread that asks; its sums go into the second
 * row, so that the rows always add up to everything that ever happened.
 *
 * A block says at its very end, in a *tag*, which row it is on and how many bytes were asked for
 * (the full tier says so in its own record). The tag has a check word made of it, the block's
 * address and the boot's secret: a block that was written to past its end is reported when it is
 * freed, since following a false tag would spoil another thread's account.
 *
 * The counters are words that wrap (on a 32-bit CPU a thread's sum of bytes may pass 4 GiB); what
 * is live is a difference, and so right all the same.
 */
#include "mem/account.h"

#include <string.h>

#include "mem/fast.h"
#include "mem/report.h"
#include "mem/tier.h"

#define ROW_SYSTEM 0 /* handlers and boot: thread 0 */
#define ROW_OTHERS 1

struct tag {
    uint32_t unused : 24; /* bytes between what was asked for and the tag */
    uint32_t row : 8;
    uint32_t check;
};

struct weft_heap_account account_rows[ACCOUNT_ROWS] = {
    [ROW_OTHERS] = {.thread_id = WEFT_HEAP_OTHER_THREADS},
};
struct spinlock account_lock = SPINLOCK_INITIALIZER(RANK_HEAP_CENTRAL, "heap accounts");

_Static_assert(!ACCOUNT_BYTES || sizeof(struct tag) == ACCOUNT_BYTES, "blocks have room for it");

static bool all_freed(const struct weft_heap_account *row)
{
    return row->allocated_blocks == row->freed_blocks;
}

/* The row changes hands. */
static void row_assign_locked(struct weft_heap_account *row, uint32_t thread_id)
{
    struct weft_heap_account *others = &account_rows[ROW_OTHERS];

    others->allocated_blocks += row->allocated_blocks;
    others->allocated_bytes += row->allocated_bytes;
    others->freed_blocks += row->freed_blocks;
    others->freed_bytes += row->freed_bytes;
    *row = (struct weft_heap_account){.thread_id = thread_id};
}

/* Looks from a place that the number gives; a row is never empty again once it was taken. */
static unsigned row_find_locked(uint32_t thread_id, bool make)
{
    unsigned spare = ROW_OTHERS;

    if (thread_id == 0)
        return ROW_SYSTEM;
    for (unsigned i = 0; i < ACCOUNT_ROWS - ACCOUNT_FIRST; i++) {
        unsigned row = ACCOUNT_FIRST + (thread_id + i) % (ACCOUNT_ROWS - ACCOUNT_FIRST);

        if (account_rows[row].thread_id == thread_id)
            return row;
        if (account_rows[row].thread_id == 0) {
            spare = row;
            break;
        }
        if (spare == ROW_OTHERS && all_freed(&account_rows[row]))
            spare = row;
    }
    if (make && spare != ROW_OTHERS)
        row_assign_locked(&account_rows[spare], thread_id);
    return spare;
}

unsigned account_charge_locked(uint32_t thread_id, size_t bytes)
{
    unsigned row = account_guess(thread_id);

    if (!account_is_own(row, thread_id))
        row = row_find_locked(thread_id, true);
    account_add_locked(row, bytes);
    return row;
}

unsigned account_charge(size_t bytes)
{
    arch_irq_state state = prim_lock_briefly(&account_lock);
    unsigned row = account_charge_locked(upcall_thread_number(), bytes);

    prim_unlock_briefly(&account_lock, state);
    return row;
}

void account_credit(unsigned row, size_t bytes)
{
    arch_irq_state state = prim_lock_briefly(&account_lock);

    ASSERT(row < ACCOUNT_ROWS);
    account_credit_locked(row, bytes);
    prim_unlock_briefly(&account_lock, state);
}

/* ---- tagged blocks ---- */

static struct tag *tag_of(uintptr_t block, size_t usable)
{
    return (struct tag *)(block + usable - sizeof(struct tag));
}

static uint32_t tag_sum(uintptr_t block, const struct tag *tag)
{
    uint32_t sum = (uint32_t)(heap.secret ^ block);

    sum = (sum ^ tag->unused ^ (uint32_t)tag->row << 24) * 0x9e3779b1u;
    return sum ^ sum >> 15;
}

static void tag_write(uintptr_t block, size_t usable, size_t size)
{
    struct tag *tag = tag_of(block, usable);

    tag->unused = (uint32_t)(usable - sizeof(*tag) - size) & 0xffffff;
    tag->row = account_charge(size) & 0xff;
    tag->check = tag_sum(block, tag);
}

/* Bytes that were asked for, and the row; false: somebody wrote past the block's end. */
static bool tag_read(uintptr_t block, size_t usable, unsigned *row, size_t *bytes)
{
    const struct tag *tag = tag_of(block, usable);

    if (usable < sizeof(*tag) || tag->check != tag_sum(block, tag) || tag->row >= ACCOUNT_ROWS ||
        tag->unused > usable - sizeof(*tag))
        return false;
    *row = tag->row;
    *bytes = usable - sizeof(*tag) - tag->unused;
    return true;
}

bool account_of(uintptr_t block, size_t usable, uint32_t *thread, size_t *bytes)
{
    unsigned row;

    if (!ACCOUNT_BYTES || !tag_read(block, usable, &row, bytes))
        return false;
    *thread = account_rows[row].thread_id;
    return true;
}

static void *dress(void *block, size_t size)
{
    tag_write((uintptr_t)block, heap_bytes_of((uintptr_t)block), size);
    return block;
}

PRIM_RESTARTS(account_alloc)
void *account_alloc(enum weft_memory memory, size_t alignment, size_t size)
{
    size_t whole;
    void *block;

    if (__builtin_add_overflow(size, ACCOUNT_BYTES, &whole))
        return NULL;
    block = memory == WEFT_MEMORY_NORMAL && alignment <= GRANULE ? fast_malloc(whole) : NULL;
    if (!block)
        block = heap_alloc(memory, alignment, whole);
    return block ? dress(block, size) : NULL;
}

/* The block's usable bytes, row and size asked for; 0 after a report. */
static size_t examine(uintptr_t block, unsigned *row, size_t *bytes)
{
    size_t usable =
        fast_is_live((void *)block) ? heap_bytes_of(block) : heap_usable_size((void *)block);

    if (usable && !tag_read(block, usable, row, bytes)) {
        report_fault(FAULT_OVERRUN, block);
        return 0;
    }
    return usable;
}

PRIM_RESTARTS(account_free) void account_free(void *block)
{
    unsigned row;
    size_t bytes;

    if (core_self()->allocation_forbidden)
        prim_panic_forbidden();
    if (!block || !examine((uintptr_t)block, &row, &bytes))
        return;
    account_credit(row, bytes);
    if (!fast_free(block))
        heap_free_slow(block);
}

void *account_realloc(void *block, size_t size)
{
    unsigned row;
    size_t bytes, whole;
    void *other;

    if (!examine((uintptr_t)block, &row, &bytes) ||
        __builtin_add_overflow(size, ACCOUNT_BYTES, &whole))
        return NULL;
    other = heap_realloc(block, whole);
    if (!other)
        return NULL;
    account_credit(row, bytes);
    return dress(other, size);
}

size_t account_usable_size(void *block)
{
    unsigned row;
    size_t bytes;

    return block && examine((uintptr_t)block, &row, &bytes) ? bytes : 0;
}

/* ---- reading ---- */

int weft_heap_account_read(uint32_t thread_id, struct weft_heap_account *account)
{
    arch_irq_state state;
    unsigned row;

    if (!WEFT_CONFIG_HEAP_THREADS)
        return WEFT_ENOTSUP;
    *account = (struct weft_heap_account){.thread_id = thread_id};
    state = spinlock_lock(&account_lock);
    row = thread_id == WEFT_HEAP_OTHER_THREADS ? ROW_OTHERS : row_find_locked(thread_id, false);
    if (account_rows[row].thread_id == thread_id)
        *account = account_rows[row];
    spinlock_unlock(&account_lock, state);
    return 0;
}

int account_owned(uint32_t thread_id, size_t *blocks, size_t *bytes)
{
    struct weft_heap_account account;
    int result = weft_heap_account_read(thread_id, &account);

    if (result == 0) {
        *blocks = account.allocated_blocks - account.freed_blocks;
        *bytes = account.allocated_bytes - account.freed_bytes;
    }
    return result;
}

static bool is_used(const struct weft_heap_account *row)
{
    return row->allocated_blocks != 0;
}

int weft_heap_accounts_read(struct weft_heap_account *accounts, size_t capacity)
{
    size_t count = 0;
    arch_irq_state state;

    if (!WEFT_CONFIG_HEAP_THREADS)
        return WEFT_ENOTSUP;
    state = spinlock_lock(&account_lock);
    for (unsigned row = 0; row < ACCOUNT_ROWS; row++)
        if (is_used(&account_rows[row])) {
            if (count < capacity)
                accounts[count] = account_rows[row];
            count++;
        }
    spinlock_unlock(&account_lock, state);
    return (int)count;
}

/* Raw, like the scavenger's trace: no lock. */
void weft_heap_accounts_print(void)
{
    struct core *core = prim_enter();

    if (!WEFT_CONFIG_HEAP_THREADS)
        print_console("heap: no accounts: built without WEFT_CONFIG_HEAP_THREADS\n");
    for (unsigned i = 0; i < ACCOUNT_ROWS; i++) {
        struct weft_heap_account row = account_rows[i];

        if (!is_used(&row))
            continue;
        if (i == ROW_OTHERS)
            print_console("heap: other threads: ");
        else
            print_console("heap: thread %u: ", (unsigned)row.thread_id);
        print_console("live %zu bytes in %zu blocks; allocated %zu in %zu, freed %zu in %zu\n",
                      row.allocated_bytes - row.freed_bytes,
                      row.allocated_blocks - row.freed_blocks, row.allocated_bytes,
                      row.allocated_blocks, row.freed_bytes, row.freed_blocks);
    }
    prim_leave(core);
}
