/* SPDX-License-Identifier: MIT */
/* As much of QEMU's machine protocol as a hanging guest calls for. Every call gives up in time. */
#ifndef TOOLS_WEFT_QMP_H
#define TOOLS_WEFT_QMP_H

#include <stdbool.h>

#include "tools/weft/buffer.h"

struct qmp {
    int socket; /* -1: not connected */
    struct buffer input;
};

/* Connects and negotiates; false with a sentence in `error`. */
bool qmp_open(struct qmp *qmp, const char *path, struct buffer *error);
void qmp_close(struct qmp *qmp);

/* A break condition on the character device `id`. */
bool qmp_send_break(struct qmp *qmp, const char *id, struct buffer *error);

/* A non-maskable interrupt, where the machine has one. */
bool qmp_send_nmi(struct qmp *qmp, struct buffer *error);

/* Appends what the human monitor answers to `command`, which needs no quoting. */
bool qmp_human(struct qmp *qmp, const char *command, struct buffer *answer, struct buffer *error);

#endif
