/* SPDX-License-Identifier: MIT */
/*
 * Obeying the host tool: `weft profile` and `weft dump` ask a running program over the console's
 * line (docs/tool.md). A program that doesn't call this is not asked, and has none of it inside.
 */
#ifndef WEFT_REMOTE_H
#define WEFT_REMOTE_H

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the thread that obeys, with this priority: a CPU or wall-clock profile for some seconds,
 * streamed; the stacks of all threads; the profile of allocations, if the program has started one.
 * For good. Requests come in frames between ordinary input, which nobody else sees; they have a
 * check, so noise is no request. The thread is one of weft's own: it keeps no program alive, and
 * that it waits is not a reason not to report a deadlock. Whoever can write to the line can ask.
 * Errors: WEFT_ESTATE (called before), WEFT_ENOMEM, WEFT_EINVAL (the priority), WEFT_ENOTSUP (a
 * build without the unwinder or the heap). Context: thread. */
WEFT_MUST_CHECK int weft_remote_start(int priority);

#ifdef __cplusplus
}
#endif

#endif
