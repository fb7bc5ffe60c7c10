/* SPDX-License-Identifier: MIT */
/* Also looks, after each run, at whether the ticks of every profile that was sent add up. */
#include "tests/board/harness.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prof/log_format.h"
#include "tools/weft/demux.h"
#include "tools/weft/log_record.h"
#include "tools/weft/qmp.h"

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : otherwise;
}

const char *board_arch(void)
{
    return setting("WEFT_ARCH", "mips");
}

const char *board_name(void)
{
    return setting("WEFT_BOARD", "malta");
}

const char *board_sanitizer(void)
{
    return setting("WEFT_SAN", "");
}

void board_needs_weft_malloc(void)
{
    if (strcmp(board_sanitizer(), "address") == 0 || strcmp(board_sanitizer(), "thread") == 0)
        cr_skip_test("malloc is the sanitizer's");
}

/* The folder's tag is made as in tools/build/target.mk. */
void board_image_path(char *path, size_t bytes, const char *image, const char *config)
{
    const char *build = setting("WEFT_BUILD", "build/malta-mips");
    bool is_test = strcmp(image, "demo") != 0 && strncmp(image, "bench", 5) != 0;
    char tag[64];

    snprintf(tag, sizeof tag, "%s%s", config != NULL ? "-" : "", config != NULL ? config : "");
    for (char *c = tag; *c != '\0'; c++)
        *c = *c == ' ' ? '-' : *c == '=' ? '_' : *c;
    snprintf(path, bytes, "%s%s/%s%s.elf", build, tag, is_test ? "tests/" : "", image);
}

static char *stream_text(FILE *stream)
{
    size_t size = 0, room = 4096;
    char *text = malloc(room);

    while (text != NULL) {
        size_t got = fread(text + size, 1, room - size - 1, stream);

        if (got == 0)
            break;
        size += got;
        if (room - size < 2)
            text = realloc(text, room *= 2);
    }
    cr_assert_not_null(text, "no memory");
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0')
            text[i] = '?'; /* keeps the rest visible to strstr */
    text[size] = '\0';
    return text;
}

char *file_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = file != NULL ? stream_text(file) : strdup("");

    if (file != NULL)
        fclose(file);
    return text;
}

int host_run(char **output, const char *format, ...)
{
    char *command;
    va_list arguments;
    FILE *pipe;
    int status;

    va_start(arguments, format);
    cr_assert_geq(vasprintf(&command, format, arguments), 0);
    va_end(arguments);
    pipe = popen(command, "r");
    cr_assert_not_null(pipe, "cannot run: %s", command);
    *output = stream_text(pipe);
    status = pclose(pipe);
    free(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* How many cores a configuration is for, as a word. */
static const char *config_cores(const char *config)
{
    static char cores[8];
    const char *at = config != NULL ? strstr(config, "CORES=") : NULL;

    if (at == NULL)
        return setting("WEFT_CORES", "1");
    snprintf(cores, sizeof cores, "%.*s", (int)strspn(at + 6, "0123456789"), at + 6);
    return cores;
}

/* ---- conservation (requirements C3) ---- */

#define CORES_MAX 256

struct conservation {
    uint32_t recorded[CORES_MAX];
    bool begun[CORES_MAX]; /* its header was seen, and nothing was lost since */
    const char *where;
};

static void conservation_end(struct conservation *sum, const struct log_item *item)
{
    const uint32_t ticks = log_record_32(item, 0), recorded = log_record_32(item, 1);
    uint32_t all = 0;

    for (size_t i = 1; i < 6; i++) /* recorded, three kinds of losses, suppressed */
        all += log_record_32(item, i);
    cr_assert_eq(ticks, all, "%s: core %u has %u ticks, but %u are accounted for", sum->where,
                 item->core_number, ticks, all);
    if (sum->begun[item->core_number])
        cr_assert_eq(recorded, sum->recorded[item->core_number],
                     "%s: core %u says it has recorded %u ticks; its samples have %u", sum->where,
                     item->core_number, recorded, sum->recorded[item->core_number]);
    sum->begun[item->core_number] = false;
}

static void conservation_record(void *context, const uint8_t *bytes, size_t length, uint64_t offset)
{
    struct conservation *sum = context;
    struct log_item item;

    if (!log_record_open(&item, bytes, length, offset))
        return;
    if (item.type == LOG_HEADER) {
        sum->begun[item.core_number] = true;
        sum->recorded[item.core_number] = 0;
    } else if (item.type == LOG_SAMPLE && item.payload[4] != CONTEXT_BLOCKED) {
        sum->recorded[item.core_number] += log_record_32(&item, 2);
    } else if (item.type == LOG_END && item.payload_bytes == sizeof(struct log_end)) {
        conservation_end(sum, &item);
    }
}

static void conservation_damage(void *context, uint64_t offset, const char *what)
{
    struct conservation *sum = context;

    (void)offset, (void)what;
    memset(sum->begun, 0,
           sizeof sum->begun); /* samples are missing: by whose fault the test says */
}

static void conservation_text(void *context, const uint8_t *bytes, size_t length)
{
    (void)context, (void)bytes, (void)length;
}

static void conservation_check(const struct board_run *run)
{
    static struct demux demux;
    static struct conservation sum;
    uint8_t bytes[4096];
    char path[300];
    FILE *serial;
    size_t got;

    snprintf(path, sizeof path, "%s/serial.raw", run->folder);
    serial = fopen(path, "rb");
    if (serial == NULL)
        return;
    sum = (struct conservation){.where = run->folder};
    demux_init(&demux, &(struct demux_sink){conservation_text, conservation_record,
                                            conservation_damage, &sum});
    while ((got = fread(bytes, 1, sizeof bytes, serial)) > 0)
        demux_feed(&demux, bytes, got);
    demux_finish(&demux);
    fclose(serial);
}

/* Criterion runs tests side by side: two that put their files into one folder would each read what
 * the other wrote, now and then. So a folder's first test signs for it, with a link that is there
 * from one moment to the next; tests/run-all.sh tears the signatures off before it begins. */
static void folder_claim(const char *folder)
{
    char path[300], claim[256], owner[256] = "", *output;

    snprintf(claim, sizeof claim, "%s::%s", criterion_current_suite->name,
             criterion_current_test->name);
    snprintf(path, sizeof path, "%s.test", folder);
    host_run(&output, "mkdir -p %s", folder);
    if (symlink(claim, path) == 0)
        return;
    cr_assert_eq(errno, EEXIST, "%s: %s", path, strerror(errno));
    cr_assert_gt(readlink(path, owner, sizeof owner - 1), 0);
    cr_assert_str_eq(owner, claim, "%s also runs in %s: give one of them a .name in board_options",
                     owner, folder);
}

struct board_run board_boot(const char *image, const char *arguments,
                            const struct board_options *options)
{
    const struct board_options none = {0};
    struct board_run run;
    char elf[256], path[300];
    const char *icount;

    if (options == NULL)
        options = &none;
    icount = options->icount;
    if (icount == NULL || strcmp(board_name(), "linux") == 0) /* a process: always in real time */
        icount = "";
    board_image_path(elf, sizeof elf, image, options->config);
    snprintf(run.folder, sizeof run.folder, "build/tests/run/%s-%s%s/%s%s%s", board_name(),
             board_arch(), board_sanitizer(), image, options->name != NULL ? "-" : "",
             options->name != NULL ? options->name : "");
    folder_claim(run.folder);
    run.status = host_run(&run.terminal,
                          "INPUT='%s' LIMIT=%d ICOUNT='%s' EXTRA='%s' tools/build/run-image.sh "
                          "%s %s %s %s %s %s 2>&1 </dev/null",
                          options->input != NULL ? options->input : "",
                          options->limit_s != 0 ? options->limit_s : 60, icount,
                          options->extra != NULL ? options->extra : "", board_name(), board_arch(),
                          config_cores(options->config), elf, run.folder, arguments);
    snprintf(path, sizeof path, "%s/console.log", run.folder);
    run.console = file_text(path);
    conservation_check(&run);
    return run;
}

void assert_contains(const char *text, const char *part)
{
    size_t length = strlen(text);

    cr_assert_not_null(strstr(text, part), "\"%s\" is not in:\n%s", part,
                       length > 3000 ? text + length - 3000 : text);
}

static _Noreturn void command_send(const char *folder, const char *text, const char *command)
{
    struct buffer error = {0}, answer = {0};
    char path[300], socket[300];
    struct qmp qmp;

    snprintf(path, sizeof path, "%s/.serial.raw.part", folder); /* until the run is over */
    snprintf(socket, sizeof socket, "%s/qmp.sock", folder);
    for (unsigned tries = 0; tries < 1000; tries++) {
        if (strstr(file_text(path), text) != NULL)
            break;
        usleep(20000);
    }
    _exit(qmp_open(&qmp, socket, &error) && qmp_human(&qmp, command, &answer, &error) ? 0 : 1);
}

pid_t board_command_when(const char *folder, const char *text, const char *command)
{
    char *output;
    pid_t sender;

    host_run(&output, "rm -rf %s", folder); /* nothing of an earlier run */
    sender = fork();
    if (sender == 0)
        command_send(folder, text, command);
    cr_assert_gt(sender, 0);
    return sender;
}

void board_command_sent(pid_t sender)
{
    int status;

    cr_assert_eq(waitpid(sender, &status, 0), sender);
    cr_assert_eq(status, 0, "the emulator's monitor did not take the command");
}
