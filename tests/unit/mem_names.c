/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "mem_names.h"

struct _reent fake_reent;

#define malloc w_malloc
#define calloc w_calloc
#define realloc w_realloc
#define free w_free
#define cfree w_cfree
#define memalign w_memalign
#define aligned_alloc w_aligned_alloc
#define posix_memalign w_posix_memalign
#define valloc w_valloc
#define pvalloc w_pvalloc
#define malloc_usable_size w_malloc_usable_size
#define malloc_trim w_malloc_trim
#define malloc_stats w_malloc_stats
#define mallopt w_mallopt
#define sbrk w_sbrk
#define mallinfo(...) w_mallinfo(__VA_ARGS__)

#include "../../mem/newlib_malloc.c"
