/* SPDX-License-Identifier: MIT */
/*
 * Runs one command and never leaves anything of it behind. The command gets a process group of its
 * own and is killed, group and all, when the run ends, when the limit has passed, when the tool is
 * told to stop, and (by the kernel) when the tool itself is killed. Its stdout comes here through a
 * pipe; its stderr is ours; its stdin is our terminal, copied, or /dev/null when we have none.
 */
#ifndef TOOLS_WEFT_SUPERVISOR_H
#define TOOLS_WEFT_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct supervisor_events {
    void (*output)(void *context, const uint8_t *bytes, size_t length);
    void (*quiet)(void *context); /* nothing came for SUPERVISOR_QUIET_MS */
    /* The limit has passed: ask the child for a last word. True: wait for it to settle. */
    bool (*limit)(void *context, pid_t child);
    /* Nothing came: ask in another way. True: wait again. NULL: there is none. */
    bool (*silent)(void *context);
    /* The last word has come or not; afterwards the child is killed. */
    void (*settled)(void *context, pid_t child);
    void *context;
};

#define SUPERVISOR_QUIET_MS 50
#define SUPERVISOR_SETTLE_MS 3000      /* how long a last word may take */
#define SUPERVISOR_SETTLE_QUIET_MS 600 /* this long without output: that was it */

enum supervisor_end {
    SUPERVISOR_EXITED,      /* status: the exit status */
    SUPERVISOR_SIGNALLED,   /* status: the signal */
    SUPERVISOR_LIMIT,       /* the limit passed, the child was killed */
    SUPERVISOR_STOPPED,     /* the tool got a signal (status) and killed the child */
    SUPERVISOR_NOT_STARTED, /* status: errno */
};

struct supervisor_result {
    enum supervisor_end end;
    int status;
};

/* `limit_ms` 0: none. */
struct supervisor_result supervisor_run(char *const *command, int64_t limit_ms,
                                        const struct supervisor_events *events);

#endif
