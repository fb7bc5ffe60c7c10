/* SPDX-License-Identifier: MIT */
/* What can be asked of an image that hangs: a break, on which it dumps its threads' stacks. */
#ifndef TOOLS_WEFT_GUEST_H
#define TOOLS_WEFT_GUEST_H

#include <stdbool.h>
#include <sys/types.h>

#include "tools/weft/buffer.h"

#define GUEST_CONSOLE "console" /* the chardev's id on QEMU's command line */

enum guest_kind {
    GUEST_DEAF,   /* there is no way to ask */
    GUEST_QEMU,   /* QMP: chardev-send-break, then inject-nmi */
    GUEST_HOSTED, /* SIGQUIT */
};

struct guest {
    enum guest_kind kind;
    const char *socket; /* of GUEST_QEMU */
};

/* "qmp:SOCKET" or "signal". */
bool guest_parse(struct guest *guest, const char *text);

bool guest_break(const struct guest *guest, pid_t child, struct buffer *error);

/* For an image that did not answer: what it cannot mask. False: this machine has no such thing. */
bool guest_insist(const struct guest *guest);

/* Appends every core's registers, each program counter written as pc=0x...; QEMU only. */
bool guest_registers(const struct guest *guest, struct buffer *registers, struct buffer *error);

#endif
