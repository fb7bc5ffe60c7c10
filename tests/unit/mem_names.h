/* SPDX-License-Identifier: MIT */
/* newlib's names for the heap, renamed so that they can live beside the host's malloc. */
#ifndef MEM_NAMES_H
#define MEM_NAMES_H

#include <reent.h>
#include <stddef.h>
#include <stdint.h>

void *w_malloc(size_t size);
void *w_calloc(size_t count, size_t size);
void *w_realloc(void *block, size_t size);
void w_free(void *block);
void *w_memalign(size_t alignment, size_t size);
void *w_aligned_alloc(size_t alignment, size_t size);
int w_posix_memalign(void **result, size_t alignment, size_t size);
void *w_valloc(size_t size);
void *w_pvalloc(size_t size);
size_t w_malloc_usable_size(void *block);
int w_malloc_trim(size_t reserve);
void w_malloc_stats(void);
void w_cfree(void *block);
int w_mallopt(int parameter, int value);
void *w_sbrk(ptrdiff_t increment);
void *_sbrk(ptrdiff_t increment);

void *_malloc_r(struct _reent *reent, size_t size);
void *_calloc_r(struct _reent *reent, size_t count, size_t size);
void *_realloc_r(struct _reent *reent, void *block, size_t size);
void _free_r(struct _reent *reent, void *block);
void *_memalign_r(struct _reent *reent, size_t alignment, size_t size);
void *_valloc_r(struct _reent *reent, size_t size);
void *_pvalloc_r(struct _reent *reent, size_t size);
size_t _malloc_usable_size_r(struct _reent *reent, void *block);
int _malloc_trim_r(struct _reent *reent, size_t reserve);
void _malloc_stats_r(struct _reent *reent);
int _mallopt_r(struct _reent *reent, int parameter, int value);
void *_sbrk_r(struct _reent *reent, ptrdiff_t increment);
void __malloc_lock(struct _reent *reent);
void __malloc_unlock(struct _reent *reent);
struct mallinfo w_mallinfo(void);
struct mallinfo _mallinfo_r(struct _reent *reent);

#endif
