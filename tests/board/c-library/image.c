/* SPDX-License-Identifier: MIT */
/* The C library as a program sees it; the first argument says which part. */
#include "image.h"

#include <assert.h>
#include <string.h>

#include "../firmware.h"

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";

    if (strcmp(part, "own") == 0)
        threads_have_their_own();
    else if (strcmp(part, "lines") == 0)
        threads_print_lines();
    else if (strcmp(part, "leak") == 0)
        threads_leave_nothing();
    else if (strcmp(part, "clocks") == 0)
        clocks();
    else if (strcmp(part, "random") == 0)
        random_bytes();
    else if (strcmp(part, "handlers") == 0)
        handlers();
    else if (strcmp(part, "files") == 0)
        files(argc > 2 ? argv[2] : NULL);
    else
        assert(part == NULL && "the part is known");
    puts("part done");
    return 0;
}
