/* SPDX-License-Identifier: MIT */
/*
 * The emulator's host, by UHI semihosting (MIPS MD01069, "Unified Hosting Interface"): the
 * operation's number in $25, its arguments from $4 on, `sdbbp 1`; the result comes back in $2, the
 * error in $3. Only where the command line says that semihosting is on: without it the instruction
 * is a debug exception that nobody answers.
 *
 * UHI's open flags are newlib's fcntl.h. Its errors are not to be relied on: QEMU 7.2 turns
 * most of the host's into EINVAL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>
#include <weft/file.h>

#include "boards/malta/malta.h"
#include "kernel/spinlock.h"

enum {
    UHI_EXIT = 1,
    UHI_OPEN = 2,
    UHI_CLOSE = 3,
    UHI_READ = 4,
    UHI_WRITE = 5,
    UHI_LSEEK = 6,
};

_Static_assert(O_WRONLY == 1 && O_RDWR == 2 && O_APPEND == 8 && O_CREAT == 0x200 &&
                   O_TRUNC == 0x400 && O_EXCL == 0x800,
               "UHI's open flags are newlib's");

static struct spinlock host_lock = SPINLOCK_INITIALIZER(RANK_BOARD, "host files");

/* One at a time: the seek before a transfer belongs to it. */
static int host_call_locked(int operation, uintptr_t first, uintptr_t second, uintptr_t third)
{
    register int number __asm__("$25") = operation;
    register uintptr_t a0 __asm__("$4") = first;
    register uintptr_t a1 __asm__("$5") = second;
    register uintptr_t a2 __asm__("$6") = third;
    register int result __asm__("$2");

    __asm__ volatile("sdbbp 1"
                     : "=r"(result)
                     : "r"(number), "r"(a0), "r"(a1), "r"(a2)
                     : "$3", "memory");
    return result;
}

void malta_host_exit(int status)
{
    (void)host_call_locked(UHI_EXIT, (uintptr_t)status, 0, 0);
}

static int host_call(int operation, uintptr_t first, uintptr_t second, uintptr_t third)
{
    arch_irq_state state = spinlock_lock(&host_lock);
    int result = host_call_locked(operation, first, second, third);

    spinlock_unlock(&host_lock, state);
    return result;
}

/* QEMU takes every byte of a buffer from its own tables of memory: lines of 4 KiB keep the time
 * with interrupts off short. */
#define HOST_TRANSFER_MAX 4096

static ssize_t host_transfer(int operation, void *file, uint64_t position, const void *bytes,
                             size_t count)
{
    arch_irq_state state = spinlock_lock(&host_lock);
    int result = host_call_locked(UHI_LSEEK, (uintptr_t)file, (uintptr_t)position, SEEK_SET);

    if (result >= 0)
        result = host_call_locked(operation, (uintptr_t)file, (uintptr_t)bytes,
                                  count < HOST_TRANSFER_MAX ? count : HOST_TRANSFER_MAX);
    spinlock_unlock(&host_lock, state);
    return result < 0 ? -EIO : result;
}

static int host_open(void *device, const char *name, int flags, int mode, void **file)
{
    int result =
        host_call(UHI_OPEN, (uintptr_t)name, (uintptr_t)(flags & ~O_APPEND), (uintptr_t)mode);

    (void)device;
    if (result < 0) /* which error it was is not known */
        return flags & O_EXCL ? -EEXIST : flags & O_CREAT ? -EACCES : -ENOENT;
    *file = (void *)(uintptr_t)result;
    return 0;
}

static int host_close(void *device, void *file)
{
    (void)device;
    return host_call(UHI_CLOSE, (uintptr_t)file, 0, 0) < 0 ? -EIO : 0;
}

static ssize_t host_read(void *device, void *file, uint64_t position, void *bytes, size_t count)
{
    (void)device;
    return host_transfer(UHI_READ, file, position, bytes, count);
}

static ssize_t host_write(void *device, void *file, uint64_t position, const void *bytes,
                          size_t count)
{
    (void)device;
    return host_transfer(UHI_WRITE, file, position, bytes, count);
}

static int64_t host_size(void *device, void *file)
{
    int end = host_call(UHI_LSEEK, (uintptr_t)file, 0, SEEK_END);

    (void)device;
    return end < 0 ? -EIO : end;
}

static const struct weft_file_operations host_operations = {.open = host_open,
                                                            .close = host_close,
                                                            .read = host_read,
                                                            .write = host_write,
                                                            .size = host_size};
static struct weft_file_device host = {.prefix = "/host", .operations = &host_operations};

struct weft_file_device *malta_host_files(void)
{
    return &host;
}
