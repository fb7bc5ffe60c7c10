/* SPDX-License-Identifier: MIT */
/* TBB: tasks without stacks, spawned and waited for in groups of MANY, by as many
 * workers as CORES says. */
#include <cstdlib>
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
    const char *cores = std::getenv("CORES");
    tbb::global_control workers(tbb::global_control::max_allowed_parallelism,
                                cores != nullptr ? std::atoi(cores) : 1);

    row("fork_join", fork_join, 1);
    return 0;
}
