/* SPDX-License-Identifier: MIT */
/* The console and the INPUT file, as files; and whatever the board has of its own. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "kernel/board.h"
#include "kernel/console.h"
#include "kernel/file.h"

/* What has been received, at most `count` bytes; 0 (end of file) when nothing has: never waits. */
static ssize_t console_take(void *device, void *file, uint64_t position, void *bytes, size_t count)
{
    char *to = bytes;
    size_t taken = 0;
    int byte;

    (void)device;
    (void)file;
    (void)position;
    while (taken < count && (byte = console_read_byte()) >= 0)
        to[taken++] = (char)byte;
    return (ssize_t)taken;
}

static ssize_t console_put(void *device, void *file, uint64_t position, const void *bytes,
                           size_t count)
{
    (void)device;
    (void)file;
    (void)position;
    console_write(bytes, count);
    return (ssize_t)count;
}

static int console_open(void *device, const char *name, int flags, int mode, void **file)
{
    (void)device;
    (void)flags;
    (void)mode;
    (void)file;
    return name[0] == '\0' ? 0 : -ENOENT;
}

static int input_open(void *device, const char *name, int flags, int mode, void **file)
{
    size_t bytes;

    (void)device;
    (void)mode;
    (void)file;
    if (name[0] != '\0' || board_input(&bytes) == NULL)
        return -ENOENT;
    return (flags & O_ACCMODE) == O_RDONLY ? 0 : -EACCES;
}

static int64_t input_size(void *device, void *file)
{
    size_t bytes = 0;

    (void)device;
    (void)file;
    (void)board_input(&bytes);
    return (int64_t)bytes;
}

static ssize_t input_read(void *device, void *file, uint64_t position, void *bytes, size_t count)
{
    size_t size;
    const char *input = board_input(&size);

    (void)device;
    (void)file;
    if (position >= size)
        return 0;
    if (count > size - position)
        count = size - (size_t)position;
    memcpy(bytes, input + position, count);
    return (ssize_t)count;
}

static const struct weft_file_operations console_operations = {
    .open = console_open, .read = console_take, .write = console_put};
static const struct weft_file_operations input_operations = {
    .open = input_open, .read = input_read, .size = input_size};

static struct weft_file_device input = {.prefix = "/input", .operations = &input_operations};
struct weft_file_device file_console = {.prefix = "/dev/console",
                                        .operations = &console_operations,
                                        .is_terminal = true,
                                        .next = &input};

struct weft_file_device *file_devices(void)
{
    input.next = board_file_device();
    return &file_console;
}
