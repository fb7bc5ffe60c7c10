/* SPDX-License-Identifier: MIT */
/* Who is first in a read-write lock's queue. Apart from rwlock.c, because waits and priorities call
 * it in every image. */
#include <weft/rwlock.h>

#include "sched/sched.h"

void rwlock_hand_on_locked(const void *object)
{
    struct weft_rwlock *lock = (struct weft_rwlock *)object;
    struct weft_thread *first;

    while (lock->writer == NULL && (first = wait_queue_first(&lock->waiters)) != NULL) {
        if (first->wait_reason == WAIT_RWLOCK_WRITE) {
            if (lock->readers != 0)
                return;
            lock->writer = first;
            first->mutexes++;
        } else {
            lock->readers++;
        }
        wait_wake_locked(first, 0);
    }
}
