/* SPDX-License-Identifier: MIT */
/* Brackets around foreign code: a thread's list of them, the innermost first. */
#include <weft/console.h>
#include <weft/profile.h>

#include "arch/unwind.h"
#include "kernel/assert.h"
#include "sched/thread.h"

_Static_assert(sizeof(struct arch_unwind) <=
                   sizeof(struct weft_foreign) - offsetof(struct weft_foreign, registers),
               "a bracket keeps all registers of the unwinder");

void weft_foreign_begin(struct weft_foreign *bracket)
{
    struct weft_thread *current = thread_current();

    bracket->outer = current->foreign;
    __atomic_store_n(&current->foreign, bracket, __ATOMIC_RELEASE);
}

void weft_foreign_exit(struct weft_foreign *bracket)
{
    struct weft_thread *current = thread_current();

    if (current->foreign != bracket)
        weft_panic("weft_foreign_exit: this is not the bracket that thread \"%s\" entered last; "
                   "each enter needs its exit, in the same function",
                   current->name);
    __atomic_store_n(&current->foreign, bracket->outer, __ATOMIC_RELEASE);
}
