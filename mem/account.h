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
