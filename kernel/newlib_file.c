/* SPDX-License-Identifier: MIT */
/*
 * Open files: a table of descriptors, and the calls that newlib and programs make on them.
 *
 * A descriptor is a device, the device's own word for the file, and a position. It is claimed and
 * let go of under a spinlock, held for a few instructions; while a call is inside the device, the
 * descriptor counts it as a user instead, so that close() elsewhere takes the number away at once,
 * and the last call that comes back closes the file. Where there is a position (the device has a
 * `size`), calls on one descriptor queue on a sleeping lock of it, because two reads at once must
 * not read the same bytes.
 *
 * Descriptors 0 to 2 are the console, without a place in the table: stdio of every thread closes
 * its own three when the thread ends.
 */
#include "kernel/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/assert.h"
#include "kernel/spinlock.h"
#include "kernel/upcall.h"

#define FIRST_FILE 3 /* descriptors below are the console */

struct file {
    struct weft_file_device *device; /* NULL: free */
    void *file;
    uint64_t position;
    int flags;
    unsigned users; /* calls inside, and one for being open */
    bool open;
};

static struct file files[WEFT_CONFIG_FILES];
static struct weft_file_device *registered; /* the latest first */
static struct spinlock files_lock = SPINLOCK_INITIALIZER(RANK_FILES, "files");

static int fail(int error)
{
    errno = error;
    return -1;
}

/* ---- devices ---- */

/* How much of `path` is the device's prefix; 0: it does not begin with it. */
static size_t prefix_length(const struct weft_file_device *device, const char *path)
{
    size_t length = strlen(device->prefix);

    if (strncmp(path, device->prefix, length) != 0)
        return 0;
    return path[length] == '\0' || path[length] == '/' ? length : 0;
}

static void device_look(struct weft_file_device *device, const char *path,
                        struct weft_file_device **best, size_t *best_length)
{
    for (; device != NULL; device = device->next) {
        size_t length = prefix_length(device, path);

        if (length > *best_length) {
            *best = device;
            *best_length = length;
        }
    }
}

/* The list only ever grows at its front: reading needs no lock. */
static struct weft_file_device *device_of(const char *path, const char **name)
{
    struct weft_file_device *best = NULL;
    size_t length = 0;

    device_look(__atomic_load_n(&registered, __ATOMIC_ACQUIRE), path, &best, &length);
    device_look(file_devices(), path, &best, &length);
    *name = path + length + (path[length] == '/');
    return best;
}

int weft_file_register(struct weft_file_device *device)
{
    struct weft_file_device *same;
    const char *name;
    arch_irq_state state;
    size_t length;

    if (device == NULL || device->prefix == NULL || device->operations == NULL)
        return WEFT_EINVAL;
    length = strlen(device->prefix);
    if (length < 2 || device->prefix[0] != '/' || device->prefix[length - 1] == '/')
        return WEFT_EINVAL;
    state = spinlock_lock(&files_lock);
    same = device_of(device->prefix, &name);
    if (same == NULL || strlen(same->prefix) != length) {
        device->next = registered;
        __atomic_store_n(&registered, device, __ATOMIC_RELEASE);
        same = NULL;
    }
    spinlock_unlock(&files_lock, state);
    return same == NULL ? 0 : WEFT_EBUSY;
}

/* ---- descriptors ---- */

static bool is_console(int descriptor)
{
    return descriptor >= 0 && descriptor < FIRST_FILE;
}

/* An open descriptor's file, with the caller as a user; NULL: not open. */
static struct file *file_enter(int descriptor)
{
    unsigned index = (unsigned)descriptor - FIRST_FILE;
    struct file *file = NULL;
    arch_irq_state state;

    if (index >= WEFT_CONFIG_FILES)
        return NULL;
    state = spinlock_lock(&files_lock);
    if (files[index].open) {
        file = &files[index];
        file->users++;
    }
    spinlock_unlock(&files_lock, state);
    return file;
}

/* The last user closes the file; the place in the table is free only then. */
static int file_leave(struct file *file)
{
    arch_irq_state state = spinlock_lock(&files_lock);
    bool last = --file->users == 0;
    int result = 0;

    spinlock_unlock(&files_lock, state);
    if (!last)
        return 0;
    ASSERT(!file->open);
    if (file->device->operations->close != NULL)
        result = file->device->operations->close(file->device->device, file->file);
    __atomic_store_n(&file->device, NULL, __ATOMIC_RELEASE);
    return result;
}

/* A free place, claimed for `device`, not open yet; NULL: the table is full. */
static struct file *file_claim(struct weft_file_device *device)
{
    arch_irq_state state = spinlock_lock(&files_lock);
    struct file *found = NULL;

    for (unsigned i = 0; i < WEFT_CONFIG_FILES && found == NULL; i++)
        if (__atomic_load_n(&files[i].device, __ATOMIC_ACQUIRE) == NULL)
            found = &files[i];
    if (found != NULL)
        *found = (struct file){.device = device};
    spinlock_unlock(&files_lock, state);
    return found;
}

static bool has_position(const struct file *file)
{
    return file->device->operations->size != NULL;
}

static void position_lock(const struct file *file)
{
    if (has_position(file))
        upcall_file_lock((unsigned)(file - files));
}

static void position_unlock(const struct file *file)
{
    if (has_position(file))
        upcall_file_unlock((unsigned)(file - files));
}

static int64_t file_size(const struct file *file)
{
    return has_position(file) ? file->device->operations->size(file->device->device, file->file)
                              : -ESPIPE;
}

/* A device's answer, as the caller of a C function wants it. */
static int answer(int64_t result)
{
    return result < 0 ? fail((int)-result) : (int)result;
}

/* ---- the calls ---- */

static int open_claimed(struct file *file, const char *name, int flags, int mode)
{
    const struct weft_file_device *device = file->device;
    int error = 0;

    upcall_file_lock_init((unsigned)(file - files));
    if (device->operations->open != NULL)
        error = device->operations->open(device->device, name, flags, mode, &file->file);
    if (error != 0) {
        __atomic_store_n(&file->device, NULL, __ATOMIC_RELEASE);
        return answer(error);
    }
    file->flags = flags;
    file->users = 1;
    __atomic_store_n(&file->open, true, __ATOMIC_RELEASE);
    return FIRST_FILE + (int)(file - files);
}

int open(const char *path, int flags, ...)
{
    struct weft_file_device *device;
    struct file *file;
    const char *name;
    va_list arguments;
    int mode = 0;

    if (flags & O_CREAT) {
        va_start(arguments, flags);
        mode = va_arg(arguments, int);
        va_end(arguments);
    }
    device = device_of(path, &name);
    if (device == NULL)
        return fail(ENOENT);
    file = file_claim(device);
    return file != NULL ? open_claimed(file, name, flags, mode) : fail(EMFILE);
}

int close(int descriptor)
{
    struct file *file;
    arch_irq_state state;
    bool mine;
    int result;

    if (is_console(descriptor))
        return 0;
    file = file_enter(descriptor);
    if (file == NULL)
        return fail(EBADF);
    state = spinlock_lock(&files_lock);
    mine = file->open; /* another close may have come first */
    file->open = false;
    file->users -= mine;
    spinlock_unlock(&files_lock, state);
    result = file_leave(file);
    return mine ? answer(result) : fail(EBADF);
}

_READ_WRITE_RETURN_TYPE read(int descriptor, void *bytes, size_t count)
{
    struct file *file;
    ssize_t result = -EBADF;

    if (is_console(descriptor))
        return file_console.operations->read(NULL, NULL, 0, bytes, count);
    file = file_enter(descriptor);
    if (file == NULL)
        return fail(EBADF);
    position_lock(file);
    if ((file->flags & O_ACCMODE) != O_WRONLY && file->device->operations->read != NULL)
        result = file->device->operations->read(file->device->device, file->file, file->position,
                                                bytes, count);
    if (result > 0)
        file->position += (size_t)result;
    position_unlock(file);
    (void)file_leave(file);
    return answer(result);
}

static ssize_t write_at_position(struct file *file, const void *bytes, size_t count)
{
    const struct weft_file_operations *operations = file->device->operations;
    ssize_t result;

    if ((file->flags & O_ACCMODE) == O_RDONLY || operations->write == NULL)
        return -EBADF;
    if ((file->flags & O_APPEND) && has_position(file)) {
        int64_t size = file_size(file);

        if (size < 0)
            return (ssize_t)size;
        file->position = (uint64_t)size;
    }
    result = operations->write(file->device->device, file->file, file->position, bytes, count);
    if (result > 0)
        file->position += (size_t)result;
    return result;
}

_READ_WRITE_RETURN_TYPE write(int descriptor, const void *bytes, size_t count)
{
    struct file *file;
    ssize_t result;

    if (descriptor == STDOUT_FILENO || descriptor == STDERR_FILENO)
        return file_console.operations->write(NULL, NULL, 0, bytes, count);
    file = file_enter(descriptor);
    if (file == NULL)
        return fail(EBADF);
    position_lock(file);
    result = write_at_position(file, bytes, count);
    position_unlock(file);
    (void)file_leave(file);
    return answer(result);
}

/* What `offset` counts from, or an error. */
static int64_t seek_base(const struct file *file, int whence)
{
    switch (whence) {
    case SEEK_SET:
        return has_position(file) ? 0 : -ESPIPE;
    case SEEK_CUR:
        return has_position(file) ? (int64_t)file->position : -ESPIPE;
    case SEEK_END:
        return file_size(file);
    default:
        return -EINVAL;
    }
}

off_t lseek(int descriptor, off_t offset, int whence)
{
    struct file *file;
    int64_t base, position;

    if (is_console(descriptor))
        return fail(ESPIPE);
    file = file_enter(descriptor);
    if (file == NULL)
        return fail(EBADF);
    position_lock(file);
    base = seek_base(file, whence);
    position = base < 0 ? base : base + offset;
    if (base >= 0 && position < 0)
        position = -EINVAL;
    if (position > __LONG_MAX__) /* off_t is a long */
        position = -EOVERFLOW;
    if (position >= 0)
        file->position = (uint64_t)position;
    position_unlock(file);
    (void)file_leave(file);
    return position < 0 ? fail((int)-position) : (off_t)position;
}

static void stream_status(struct stat *status)
{
    *status = (struct stat){.st_mode = S_IFCHR | S_IRUSR | S_IWUSR, .st_blksize = 256};
}

int fstat(int descriptor, struct stat *status)
{
    struct file *file;
    int64_t size = 0;

    stream_status(status);
    if (is_console(descriptor))
        return 0;
    file = file_enter(descriptor);
    if (file == NULL)
        return fail(EBADF);
    if (has_position(file)) {
        size = file_size(file);
        status->st_mode = S_IFREG | S_IRUSR | S_IWUSR;
        status->st_size = (off_t)size;
        status->st_blksize = 1024;
    }
    (void)file_leave(file);
    return size < 0 ? fail((int)-size) : 0;
}

int stat(const char *restrict path, struct stat *restrict status)
{
    int descriptor = open(path, O_RDONLY);
    int result;

    if (descriptor < 0)
        return -1;
    result = fstat(descriptor, status);
    return close(descriptor) != 0 ? -1 : result;
}

int isatty(int descriptor)
{
    struct file *file;
    bool is_terminal;

    if (is_console(descriptor))
        return 1;
    file = file_enter(descriptor);
    if (file == NULL)
        return fail(EBADF);
    is_terminal = file->device->is_terminal;
    (void)file_leave(file);
    return is_terminal ? 1 : fail(ENOTTY);
}
