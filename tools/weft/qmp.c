/* SPDX-License-Identifier: MIT */
#include "tools/weft/qmp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/weft/clock.h"
#include "tools/weft/json.h"

#define ANSWER_MS 2000
#define ANSWER_BYTES_MAX (4u << 20)

/* Puts the next line into `line`, without its newline. */
static bool qmp_read_line(struct qmp *qmp, struct buffer *line, int64_t deadline_ms)
{
    char chunk[4096];

    buffer_clear(line);
    while (qmp->input.length <= ANSWER_BYTES_MAX) {
        const char *text = buffer_text(&qmp->input), *newline = strchr(text, '\n');
        struct pollfd waiting = {.fd = qmp->socket, .events = POLLIN};
        ssize_t got;

        if (newline != NULL) {
            buffer_append(line, text, (size_t)(newline - text));
            buffer_drop(&qmp->input, (size_t)(newline - text) + 1);
            return true;
        }
        if (poll(&waiting, 1, clock_left_ms(deadline_ms)) <= 0)
            return false;
        got = recv(qmp->socket, chunk, sizeof chunk, 0);
        if (got <= 0)
            return false;
        buffer_append(&qmp->input, chunk, (size_t)got);
    }
    return false;
}

/* Sends a command and waits for its answer; events in between are skipped. */
static bool qmp_execute(struct qmp *qmp, const char *command, struct buffer *answer,
                        struct buffer *error)
{
    int64_t deadline_ms = clock_now_ms() + ANSWER_MS;
    struct buffer line = {0};
    bool is_good = false, is_answered = false;

    if (send(qmp->socket, command, strlen(command), MSG_NOSIGNAL | MSG_DONTWAIT) ==
        (ssize_t)strlen(command))
        while (!is_answered && qmp_read_line(qmp, &line, deadline_ms)) {
            const char *value = json_member(buffer_text(&line), "return");

            is_good = value != NULL;
            is_answered = is_good || json_member(buffer_text(&line), "error") != NULL;
            if (is_good && answer != NULL)
                json_decode_string(answer, value);
        }
    if (!is_good)
        buffer_printf(error, "QEMU's monitor %s%s", is_answered ? "refused: " : "does not answer",
                      is_answered ? buffer_text(&line) : "");
    buffer_free(&line);
    return is_good;
}

static int qmp_connect(const char *path, struct buffer *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        buffer_printf(error, "%s: too long for a socket's name", path);
        return -1;
    }
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    buffer_printf(error, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

bool qmp_open(struct qmp *qmp, const char *path, struct buffer *error)
{
    *qmp = (struct qmp){.socket = qmp_connect(path, error)};
    if (qmp->socket < 0)
        return false;
    /* The greeting comes first and is neither a "return" nor an "error": skipped like an event. */
    if (qmp_execute(qmp, "{\"execute\": \"qmp_capabilities\"}\n", NULL, error))
        return true;
    qmp_close(qmp);
    return false;
}

void qmp_close(struct qmp *qmp)
{
    if (qmp->socket >= 0)
        close(qmp->socket);
    qmp->socket = -1;
    buffer_free(&qmp->input);
}

bool qmp_send_break(struct qmp *qmp, const char *id, struct buffer *error)
{
    struct buffer command = {0};
    bool is_good;

    buffer_string(&command, "{\"execute\": \"chardev-send-break\", \"arguments\": {\"id\": ");
    json_string(&command, id);
    buffer_string(&command, "}}\n");
    is_good = qmp_execute(qmp, command.data, NULL, error);
    buffer_free(&command);
    return is_good;
}

bool qmp_send_nmi(struct qmp *qmp, struct buffer *error)
{
    return qmp_execute(qmp, "{\"execute\": \"inject-nmi\"}\n", NULL, error);
}

bool qmp_human(struct qmp *qmp, const char *text, struct buffer *answer, struct buffer *error)
{
    struct buffer command = {0};
    bool is_good;

    buffer_string(&command, "{\"execute\": \"human-monitor-command\", \"arguments\": "
                            "{\"command-line\": ");
    json_string(&command, text);
    buffer_string(&command, "}}\n");
    is_good = qmp_execute(qmp, command.data, answer, error);
    buffer_free(&command);
    return is_good;
}
