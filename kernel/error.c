/* SPDX-License-Identifier: MIT */
#include <weft/error.h>

const char *weft_error_name(int error)
{
    static const char *const names[] = {
        "success",
        "invalid argument",
        "out of memory",
        "timed out",
        "would have to wait",
        "in use",
        "closed",
        "would deadlock",
        "not permitted here",
        "not supported on this board",
        "not possible in this state",
    };

    if (error > 0 || error < -(int)(sizeof names / sizeof names[0] - 1))
        return "unknown error";
    return names[-error];
}
