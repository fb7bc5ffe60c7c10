/* SPDX-License-Identifier: MIT */
#include "tests/board/malta-u-boot/host-dialogue.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SILENCE_MS 60000

void dialogue_start(struct dialogue *dialogue, const char *command)
{
    int to[2], from[2];

    *dialogue = (struct dialogue){.text = calloc(1, 1), .room = 1};
    cr_assert(pipe(to) == 0 && pipe(from) == 0);
    dialogue->process = fork();
    cr_assert_geq(dialogue->process, 0);
    if (dialogue->process == 0) {
        setpgid(0, 0);
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        dup2(from[1], STDERR_FILENO);
        close(to[1]);
        close(from[0]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    dialogue->to = to[1];
    dialogue->from = from[0];
    signal(SIGPIPE, SIG_IGN);
}

/* False when there will be no more, or was nothing for too long. */
static bool receive(struct dialogue *dialogue)
{
    struct pollfd ready = {.fd = dialogue->from, .events = POLLIN};
    char bytes[4096];
    ssize_t got;

    if (poll(&ready, 1, SILENCE_MS) <= 0)
        return false;
    got = read(dialogue->from, bytes, sizeof bytes);
    if (got <= 0)
        return false;
    if (dialogue->length + (size_t)got + 1 > dialogue->room) {
        dialogue->room = 2 * dialogue->room + (size_t)got + 1;
        dialogue->text = realloc(dialogue->text, dialogue->room);
        cr_assert_not_null(dialogue->text);
    }
    for (ssize_t i = 0; i < got; i++) /* keeps the rest visible to strstr */
        dialogue->text[dialogue->length++] = bytes[i] != '\0' ? bytes[i] : '?';
    dialogue->text[dialogue->length] = '\0';
    return true;
}

const char *dialogue_expect(struct dialogue *dialogue, const char *text)
{
    char *start, *found;

    while ((found = strstr(dialogue->text + dialogue->seen, text)) == NULL)
        if (!receive(dialogue)) {
            dialogue_stop(dialogue);
            cr_assert_fail("\"%s\" did not come; the end of what did:\n%s", text,
                           dialogue->text +
                               (dialogue->length > 4000 ? dialogue->length - 4000 : 0));
        }
    start = dialogue->text + dialogue->seen;
    dialogue->seen = (size_t)(found - dialogue->text) + strlen(text);
    return strndup(start, (size_t)(found - start)); /* lives until the test's end */
}

void dialogue_send(struct dialogue *dialogue, const char *format, ...)
{
    char *line;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&line, format, arguments);
    va_end(arguments);
    cr_assert_geq(length, 0);
    line[length] = '\r'; /* in place of the 0 */
    cr_assert_eq(write(dialogue->to, line, (size_t)length + 1), length + 1);
    free(line);
}

int dialogue_end(struct dialogue *dialogue)
{
    int status;

    while (receive(dialogue))
        ;
    close(dialogue->to);
    kill(-dialogue->process, SIGKILL); /* only matters when it was silent, not when it has ended */
    cr_assert_eq(waitpid(dialogue->process, &status, 0), dialogue->process);
    dialogue->process = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void dialogue_stop(struct dialogue *dialogue)
{
    if (dialogue->process != 0) {
        kill(-dialogue->process, SIGKILL);
        waitpid(dialogue->process, NULL, 0);
        dialogue->process = 0;
    }
}
