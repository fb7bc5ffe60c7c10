/* SPDX-License-Identifier: MIT */
/* Every initializer of every object, in C and in C++: compiled by test.c, never run. */
#include <weft/weft.h>

static int storage[4];

struct weft_barrier barrier = WEFT_BARRIER_INITIALIZER(barrier, 2);
struct weft_channel unbuffered = WEFT_CHANNEL_INITIALIZER(unbuffered, NULL, 4, 0);
struct weft_channel buffered = WEFT_CHANNEL_INITIALIZER(buffered, storage, sizeof storage[0], 4);
struct weft_condition condition = WEFT_CONDITION_INITIALIZER(condition);
struct weft_flags flags = WEFT_FLAGS_INITIALIZER(flags, 1);
struct weft_group group = WEFT_GROUP_INITIALIZER(group);
struct weft_heap_profile_options options = WEFT_HEAP_PROFILE_OPTIONS_DEFAULT;
struct weft_mutex normal = WEFT_MUTEX_INITIALIZER(normal);
struct weft_mutex recursive = WEFT_MUTEX_RECURSIVE_INITIALIZER(recursive);
struct weft_mutex errorcheck = WEFT_MUTEX_ERRORCHECK_INITIALIZER(errorcheck);
struct weft_once once = WEFT_ONCE_INITIALIZER(once);
struct weft_rwlock rwlock = WEFT_RWLOCK_INITIALIZER(rwlock);
struct weft_semaphore semaphore = WEFT_SEMAPHORE_INITIALIZER(semaphore, 1);
struct weft_semaphore binary = WEFT_SEMAPHORE_BINARY_INITIALIZER(binary, 0);

struct weft_thread_attr attributes(void);
struct weft_thread_attr attributes(void)
{
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;

    return attr;
}
