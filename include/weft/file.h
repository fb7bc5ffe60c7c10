/* SPDX-License-Identifier: MIT */
/*
 * Devices behind open, read, write, lseek, close, fstat and isatty, and so behind stdio's fopen. A
 * device has a prefix; paths that begin with it are its files. There already:
 *
 *   /dev/console   the console; descriptors 0, 1 and 2 are it from the start, and closing those
 *                  three does nothing
 *   /input         the INPUT file (weft/input.h), read-only
 *   /host/NAME     malta under QEMU with semihosting on: the host's file NAME, as seen from where
 *                  QEMU was started; /host//NAME with an absolute name
 *
 * Not on linux, where files are the system's: weft_file_register returns WEFT_ENOTSUP there.
 */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a device does. Unlike elsewhere in weft, errors are numbers of <errno.h>, negated (-EIO),
 * because the caller finds them in errno. Each function may be NULL. All are called in the thread
 * that called open, read, ..., and may block; several threads may be in one at once, except that
 * reads and writes of one descriptor of a device with `size` come one after the other.
 */
struct weft_file_operations {
    /* `name` is the path behind the prefix and its slash, "" when nothing is; `flags` and `mode`
     * are open's. What *file is set to is handed to the others. NULL: every name opens, with *file
     * NULL. */
    int (*open)(void *device, const char *name, int flags, int mode, void **file);
    int (*close)(void *device, void *file);

    /* Bytes transferred, 0 at the end of the file, or an error. `position` counts from the start of
     * the file, and means nothing to a device without `size`. NULL: EBADF. */
    ssize_t (*read)(void *device, void *file, uint64_t position, void *bytes, size_t count);
    ssize_t (*write)(void *device, void *file, uint64_t position, const void *bytes, size_t count);

    /* The file's length in bytes, or an error. NULL: a stream, where nothing can be sought. */
    int64_t (*size)(void *device, void *file);
};

/* Fields are the caller's to set; it must exist, unchanged, for ever after weft_file_register. */
struct weft_file_device {
    const char *prefix; /* "/dev/radio": begins with a slash, does not end with one */
    const struct weft_file_operations *operations;
    void *device;                  /* handed to the operations */
    bool is_terminal;              /* what isatty says: stdio then buffers lines, not blocks */
    struct weft_file_device *next; /* weft's */
};

/* Adds a device. A path belongs to the device with the longest prefix that fits. Errors:
 * WEFT_EINVAL (NULL, or the prefix is not as above), WEFT_EBUSY (a device has this prefix),
 * WEFT_ENOTSUP. Does not block. Context: thread. */
WEFT_MUST_CHECK int weft_file_register(struct weft_file_device *device);

#ifdef __cplusplus
}
#endif

#endif
