/* SPDX-License-Identifier: MIT */
/* What each thread has allocated: WEFT_CONFIG_HEAP_THREADS. mem/account.c explains it. */
#ifndef MEM_ACCOUNT_H
#define MEM_ACCOUNT_H

#include "mem/heap.h"

/* Puts a new block of `bytes` bytes on the running thread's account, which it returns: at most
 * ACCOUNT_ROWS - 1. */
#define ACCOUNT_ROWS ((WEFT_CONFIG_HEAP_THREADS ? WEFT_CONFIG_HEAP_THREADS : 1) + 2)
unsigned account_charge(size_t bytes);

/* A block of that account was freed. */
void account_credit(unsigned row, size_t bytes);

/* The same under the lock (prim_lock_briefly), for those who hold it; for a thread of that
 * number. */
extern struct weft_heap_account account_rows[ACCOUNT_ROWS];
extern struct spinlock account_lock;
unsigned account_charge_locked(uint32_t thread_id, size_t bytes);

#define ACCOUNT_FIRST 2 /* rows of threads; those before it are shared */

/* The row that the thread's number leads to: not always its own (account_is_own). */
static inline unsigned account_guess(uint32_t thread_id)
{
    return ACCOUNT_FIRST + thread_id % (ACCOUNT_ROWS - ACCOUNT_FIRST);
}

static inline bool account_is_own(unsigned row, uint32_t thread_id)
{
    return thread_id != 0 && account_rows[row].thread_id == thread_id;
}

static inline void account_add_locked(unsigned row, size_t bytes)
{
    account_rows[row].allocated_blocks++;
    account_rows[row].allocated_bytes += bytes;
}

/* The row is from a record whose check word is right. */
static inline void account_credit_locked(unsigned row, size_t bytes)
{
    struct weft_heap_account *account = &account_rows[row];

    account->freed_blocks++;
    account->freed_bytes += bytes;
}

/* The tier without guards: blocks are ACCOUNT_BYTES larger than asked for. As the functions of
 * mem/guard.h. */
#define ACCOUNT_BYTES (WEFT_CONFIG_HEAP_THREADS && !WEFT_CONFIG_HEAP_FULL ? sizeof(uint64_t) : 0)
void *account_alloc(enum weft_memory memory, size_t alignment, size_t size);
void account_free(void *block);
void *account_realloc(void *block, size_t size);
size_t account_usable_size(void *block);

/* For weft_heap_owned. */
int account_owned(uint32_t thread_id, size_t *blocks, size_t *bytes);

/* Who holds the block of this start and usable size, and how many bytes were asked for. False: it
 * has no tag. */
bool account_of(uintptr_t block, size_t usable, uint32_t *thread, size_t *bytes);

#endif
