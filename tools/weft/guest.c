/* SPDX-License-Identifier: MIT */
#include "tools/weft/guest.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tools/weft/qmp.h"

#define QMP_PREFIX "qmp:"

bool guest_parse(struct guest *guest, const char *text)
{
    *guest = (struct guest){0};
    if (strcmp(text, "signal") == 0) {
        guest->kind = GUEST_HOSTED;
    } else if (strncmp(text, QMP_PREFIX, strlen(QMP_PREFIX)) == 0) {
        guest->kind = GUEST_QEMU;
        guest->socket = text + strlen(QMP_PREFIX);
    }
    return guest->kind == GUEST_HOSTED || (guest->kind == GUEST_QEMU && guest->socket[0] != '\0');
}

bool guest_break(const struct guest *guest, pid_t child, struct buffer *error)
{
    struct qmp qmp;
    bool is_good;

    if (guest->kind == GUEST_HOSTED) {
        if (kill(child, SIGQUIT) == 0)
            return true;
        buffer_printf(error, "SIGQUIT: %s", strerror(errno));
        return false;
    }
    if (guest->kind == GUEST_DEAF || !qmp_open(&qmp, guest->socket, error))
        return false;
    is_good = qmp_send_break(&qmp, GUEST_CONSOLE, error);
    qmp_close(&qmp);
    return is_good;
}

bool guest_insist(const struct guest *guest)
{
    struct buffer error = {0};
    struct qmp qmp;
    bool is_good = false;

    if (guest->kind == GUEST_QEMU && qmp_open(&qmp, guest->socket, &error)) {
        is_good = qmp_send_nmi(&qmp, &error);
        qmp_close(&qmp);
    }
    buffer_free(&error);
    return is_good;
}

/* QEMU writes "pc=0x..." for MIPS, but "RIP=..." or "EIP=..." without 0x for x86: adds it there. */
static void guest_mark_pcs(struct buffer *marked, const char *text)
{
    while (*text != '\0') {
        bool is_pc = strncmp(text, "RIP=", 4) == 0 || strncmp(text, "EIP=", 4) == 0;
        size_t length = is_pc ? 4 + strspn(text + 4, "0123456789abcdef") : 1;

        if (*text != '\r')
            buffer_append(marked, text, length);
        if (is_pc)
            buffer_printf(marked, " pc=0x%.*s", (int)(length - 4), text + 4);
        text += length;
    }
}

bool guest_registers(const struct guest *guest, struct buffer *registers, struct buffer *error)
{
    struct buffer answer = {0};
    struct qmp qmp;
    bool is_good;

    if (guest->kind != GUEST_QEMU || !qmp_open(&qmp, guest->socket, error))
        return false;
    is_good = qmp_human(&qmp, "info registers -a", &answer, error);
    if (is_good)
        guest_mark_pcs(registers, buffer_text(&answer));
    buffer_free(&answer);
    qmp_close(&qmp);
    return is_good;
}
