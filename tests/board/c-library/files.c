/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/config.h>
#include <weft/file.h>
#include <weft/input.h>
#include <weft/semaphore.h>
#include <weft/thread.h>

#include "../firmware.h"
#include "image.h"

#define FAILS(call, number) CHECK((errno = 0, (call) == -1) && errno == (number))

static void console(void)
{
    struct stat status;
    int descriptor = open("/dev/console", O_RDWR);

    CHECK(descriptor >= 3 && isatty(descriptor) == 1 && isatty(1) == 1);
    CHECK(write(descriptor, "by descriptor\n", 14) == 14);
    CHECK(fstat(descriptor, &status) == 0 && S_ISCHR(status.st_mode));
    FAILS(lseek(descriptor, 0, SEEK_SET), ESPIPE);
    CHECK(close(descriptor) == 0);
    FAILS(write(descriptor, "x", 1), EBADF);
    FAILS(close(descriptor), EBADF);
    FAILS(fstat(100, &status), EBADF);
    FAILS(read(-1, NULL, 0), EBADF);
    CHECK(close(1) == 0 && write(1, "still there\n", 12) == 12);
    FAILS(open("/dev/console/x", O_RDONLY), ENOENT);
    FAILS(open("/nothing", O_RDONLY), ENOENT);
}

static void input(void)
{
    size_t bytes;
    const char *all = weft_input(&bytes);
    int descriptor = open("/input", O_RDONLY);
    struct stat status;
    char text[64];
    FILE *file;

    CHECK(descriptor >= 0 && fstat(descriptor, &status) == 0);
    CHECK(S_ISREG(status.st_mode) && (size_t)status.st_size == bytes && bytes > 100);
    CHECK(read(descriptor, text, 10) == 10 && memcmp(text, all, 10) == 0);
    CHECK(lseek(descriptor, 5, SEEK_CUR) == 15 && read(descriptor, text, 7) == 7);
    CHECK(memcmp(text, all + 15, 7) == 0);
    CHECK(lseek(descriptor, -4, SEEK_END) == (off_t)bytes - 4);
    CHECK(read(descriptor, text, sizeof text) == 4 && memcmp(text, all + bytes - 4, 4) == 0);
    CHECK(read(descriptor, text, 1) == 0);
    FAILS(lseek(descriptor, -1, SEEK_SET), EINVAL);
    FAILS(lseek(descriptor, 0, 9), EINVAL);
    FAILS(write(descriptor, "x", 1), EBADF);
    FAILS(isatty(descriptor), ENOTTY);
    CHECK(close(descriptor) == 0);
    FAILS(open("/input", O_RDWR), EACCES);
    CHECK(stat("/input", &status) == 0 && (size_t)status.st_size == bytes);
    file = fopen("/input", "r");
    CHECK(file != NULL && fgets(text, sizeof text, file) != NULL && text[0] == all[0]);
    CHECK(fseek(file, 0, SEEK_END) == 0 && ftell(file) == (long)bytes && fclose(file) == 0);
}

/* ---- a device of the program's own: files of 64 bytes in memory ---- */

static struct memory_file {
    char name[16];
    unsigned char bytes[64];
    size_t size;
    int opened, closed;
} memory[2];
static struct weft_semaphore reader_inside = WEFT_SEMAPHORE_INITIALIZER(reader_inside, 0);
static struct weft_semaphore reader_may_go = WEFT_SEMAPHORE_INITIALIZER(reader_may_go, 0);

static int memory_open(void *device, const char *name, int flags, int mode, void **file)
{
    struct memory_file *found = NULL;

    CHECK(device == memory);
    for (int i = 0; i < 2; i++)
        if (strcmp(memory[i].name, name) == 0 || (found == NULL && memory[i].name[0] == '\0'))
            found = &memory[i];
    if (found == NULL || (!(flags & O_CREAT) && found->name[0] == '\0'))
        return -ENOENT;
    CHECK(!(flags & O_CREAT) || mode == 0644 || mode == 0666);
    strcpy(found->name, name);
    if (flags & O_TRUNC)
        found->size = 0;
    found->opened++;
    *file = found;
    return 0;
}

static int memory_close(void *device, void *file)
{
    (void)device;
    ((struct memory_file *)file)->closed++;
    return 0;
}

static ssize_t memory_read(void *device, void *file, uint64_t position, void *bytes, size_t count)
{
    struct memory_file *from = file;

    (void)device;
    if (position >= from->size)
        return 0;
    if (count > from->size - position)
        count = from->size - position;
    memcpy(bytes, from->bytes + position, count);
    return (ssize_t)count;
}

static ssize_t memory_write(void *device, void *file, uint64_t position, const void *bytes,
                            size_t count)
{
    struct memory_file *to = file;

    (void)device;
    if (position + count > sizeof to->bytes)
        return -ENOSPC;
    weft_thread_yield(); /* a second write to the descriptor must not take the same position */
    memcpy(to->bytes + position, bytes, count);
    if (position + count > to->size)
        to->size = position + count;
    return (ssize_t)count;
}

static int64_t memory_size(void *device, void *file)
{
    (void)device;
    return (int64_t)((struct memory_file *)file)->size;
}

static ssize_t line_read(void *device, void *file, uint64_t position, void *bytes, size_t count)
{
    CHECK(device == NULL && file == NULL && position == 0 && count > 0);
    weft_semaphore_post(&reader_inside);
    CHECK(weft_semaphore_wait(&reader_may_go) == 0);
    memcpy(bytes, "!", 1);
    return 1;
}

static const struct weft_file_operations memory_operations = {
    memory_open, memory_close, memory_read, memory_write, memory_size};
static struct weft_file_device memory_device = {
    .prefix = "/memory", .operations = &memory_operations, .device = memory};
static const struct weft_file_operations line_operations = {.read = line_read};
static struct weft_file_device line_device = {.prefix = "/memory/line",
                                              .operations = &line_operations};

static void *write_pieces(void *argument)
{
    int descriptor = (int)(intptr_t)argument;

    for (int i = 0; i < 4; i++)
        CHECK(write(descriptor, "ABCDEFGH", 8) == 8);
    return NULL;
}

/* Two threads write by one descriptor: every piece has a place of its own. */
static void share_a_descriptor(void)
{
    int descriptor = open("/memory/shared", O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct weft_thread *threads[2];

    for (int i = 0; i < 2; i++)
        CHECK(weft_thread_spawn(&threads[i], NULL, write_pieces, (void *)(intptr_t)descriptor) ==
              0);
    for (int i = 0; i < 2; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    CHECK(memory[1].size == 64 && lseek(descriptor, 0, SEEK_CUR) == 64);
    FAILS(write(descriptor, "x", 1), ENOSPC);
    CHECK(close(descriptor) == 0 && memory[1].closed == 1);
}

static void *read_line(void *argument)
{
    char byte;

    CHECK(read((int)(intptr_t)argument, &byte, 1) == 1 && byte == '!');
    return NULL;
}

/* A read that waits in the device keeps nobody from closing the descriptor, and comes to its end.
 */
static void close_under_a_reader(void)
{
    int descriptor = open("/memory/line", O_RDONLY), other;
    struct weft_thread *reader;

    CHECK(descriptor >= 0);
    CHECK(weft_thread_spawn(&reader, NULL, read_line, (void *)(intptr_t)descriptor) == 0);
    CHECK(weft_semaphore_wait(&reader_inside) == 0);
    CHECK(close(descriptor) == 0);
    FAILS(close(descriptor), EBADF);
    other = open("/dev/console", O_WRONLY);
    CHECK(other >= 0 && other != descriptor); /* still in use */
    CHECK(close(other) == 0);
    weft_semaphore_post(&reader_may_go);
    CHECK(weft_thread_join(reader, NULL) == 0);
    CHECK(open("/dev/console", O_WRONLY) == descriptor && close(descriptor) == 0);
}

static void full_table(void)
{
    int descriptors[WEFT_CONFIG_FILES];

    for (int i = 0; i < WEFT_CONFIG_FILES; i++)
        CHECK((descriptors[i] = open("/dev/console", O_WRONLY)) >= 0);
    FAILS(open("/dev/console", O_WRONLY), EMFILE);
    for (int i = 0; i < WEFT_CONFIG_FILES; i++)
        CHECK(close(descriptors[i]) == 0);
}

static void device(void)
{
    static struct weft_file_device wrong = {.prefix = "memory", .operations = &memory_operations};
    static struct weft_file_device same = {.prefix = "/input", .operations = &memory_operations};
    char text[32];
    FILE *file;

    CHECK(weft_file_register(NULL) == WEFT_EINVAL && weft_file_register(&wrong) == WEFT_EINVAL);
    CHECK(weft_file_register(&same) == WEFT_EBUSY);
    CHECK(weft_file_register(&memory_device) == 0 && weft_file_register(&line_device) == 0);
    CHECK(weft_file_register(&memory_device) == WEFT_EBUSY);
    FAILS(open("/memoryx", O_RDONLY), ENOENT);
    FAILS(open("/memory/none", O_RDONLY), ENOENT);
    file = fopen("/memory/a", "w");
    CHECK(file != NULL && fprintf(file, "%d and %s", 42, "text") > 0 && fclose(file) == 0);
    CHECK(memory[0].opened == 1 && memory[0].closed == 1);
    file = fopen("/memory/a", "a+");
    CHECK(file != NULL && fputs(", more", file) >= 0);
    CHECK(fseek(file, 3, SEEK_SET) == 0 && fgets(text, sizeof text, file) != NULL);
    CHECK(strcmp(text, "and text, more") == 0 && fclose(file) == 0);
    share_a_descriptor();
    close_under_a_reader();
    full_table();
}

/* ---- files of the machine that runs the emulator ---- */

static void host(const char *folder)
{
    char path[300], text[32] = "";
    FILE *file;
    static char large[10000];

    snprintf(path, sizeof path, "/host/%s/none", folder);
    FAILS(open(path, O_RDONLY), ENOENT);
    snprintf(path, sizeof path, "/host/%s/from-host", folder);
    file = fopen(path, "r");
    CHECK(file != NULL && fgets(text, sizeof text, file) != NULL);
    CHECK(strcmp(text, "hello from the host\n") == 0 && fclose(file) == 0);
    snprintf(path, sizeof path, "/host/%s/from-guest", folder);
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 23);
    file = fopen(path, "w");
    CHECK(file != NULL && fwrite(large, 1, sizeof large, file) == sizeof large);
    CHECK(fclose(file) == 0);
    file = fopen(path, "a");
    CHECK(file != NULL && fputs("end\n", file) >= 0 && fclose(file) == 0);
    file = fopen(path, "r");
    CHECK(file != NULL && fseek(file, 23 * 100, SEEK_SET) == 0 && fgetc(file) == 'a');
    CHECK(fseek(file, 0, SEEK_END) == 0 && ftell(file) == (long)sizeof large + 4);
    CHECK(fclose(file) == 0);
    puts("host files done");
}

void files(const char *host_folder)
{
    console();
    input();
    device();
    if (host_folder != NULL)
        host(host_folder);
}
