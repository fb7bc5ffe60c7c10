/* SPDX-License-Identifier: MIT */
/* TBB: tasks without stacks, spawned and waited for in groups of MANY; one worker. */
#include <tbb/global_control.h>
#include <tbb/task_group.h>

#include "row.h"

static volatile unsigned done;

static void fork_join(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i += MANY) {
        tbb::task_group group;

        for (unsigned n = 0; n < MANY; n++)
            group.run([] { done = done + 1; });
        group.wait();
    }
}

int main()
{
    tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);

    row("fork_join", fork_join, 1);
    return 0;
}
