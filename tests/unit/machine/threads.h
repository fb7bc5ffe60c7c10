/* SPDX-License-Identifier: MIT */
/* What Criterion tests say about threads of the machine that the host plays. */
#ifndef TESTS_UNIT_MACHINE_THREADS_H
#define TESTS_UNIT_MACHINE_THREADS_H

#include <criterion/criterion.h>
#include <string.h>
#include <weft/thread.h>

#include "tests/unit/machine/machine.h"

static inline struct weft_thread *spawn(const char *name, int priority, void *(*entry)(void *),
                                        void *argument)
{
    const struct weft_thread_attr attr = {.name = name, .priority = priority};
    struct weft_thread *thread = NULL;

    cr_assert_eq(weft_thread_spawn(&thread, &attr, entry, argument), 0);
    return thread;
}

static inline void *join(struct weft_thread *thread)
{
    void *result = NULL;

    cr_assert_eq(weft_thread_join(thread, &result), 0);
    return result;
}

static inline void runs(void (*main_thread)(void))
{
    bool well = machine_run(main_thread);

    cr_assert(well, "%s", machine_said);
}

static inline void panics(void (*main_thread)(void), const char *with)
{
    bool well = machine_run(main_thread);

    cr_assert(!well, "it did not panic");
    cr_assert_not_null(strstr(machine_said, with), "%s", machine_said);
}

#endif
