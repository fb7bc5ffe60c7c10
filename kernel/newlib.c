/* SPDX-License-Identifier: MIT */
/*
 * What newlib asks of a system, below files and time: the console is descriptors 0, 1 and 2, and
 * nothing else is open. newlib's per-thread state and locks are in sched/newlib.c, its allocator in mem/newlib_malloc.c.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include <weft/console.h>
#include <weft/time.h>

#include "kernel/board.h"
#include "kernel/console.h"

/* newlib calls these by their underscored names and declares them nowhere. */
_Noreturn void _exit(int status);
int _write(int file, const char *bytes, size_t count);
int _read(int file, char *bytes, size_t count);
int _open(const char *path, int flags, int mode);
int _close(int file);
off_t _lseek(int file, off_t offset, int whence);
int _fstat(int file, struct stat *status);
int _stat(const char *path, struct stat *status);
int _isatty(int file);
int _getpid(void);
int _kill(int process, int signal);
int _link(const char *from, const char *to);
int _unlink(const char *path);
int _gettimeofday(struct timeval *time, void *zone);
clock_t _times(struct tms *times);

#define CONSOLE_FILES 3

_Noreturn void _exit(int status)
{
    board_exit(status & 255);
}

static int fail(int error)
{
    errno = error;
    return -1;
}

int _write(int file, const char *bytes, size_t count)
{
    if (file != STDOUT_FILENO && file != STDERR_FILENO)
        return fail(EBADF);
    console_write(bytes, count);
    return (int)count;
}

/* What has been received, at most `count` bytes; 0 (end of file) when nothing has. */
int _read(int file, char *bytes, size_t count)
{
    size_t taken = 0;
    int byte;

    if (file != STDIN_FILENO)
        return fail(EBADF);
    while (taken < count && (byte = console_read_byte()) >= 0)
        bytes[taken++] = (char)byte;
    return (int)taken;
}

int _open(const char *path, int flags, int mode)
{
    (void)path;
    (void)flags;
    (void)mode;
    return fail(ENOENT);
}

int _close(int file)
{
    return file >= 0 && file < CONSOLE_FILES ? 0 : fail(EBADF);
}

off_t _lseek(int file, off_t offset, int whence)
{
    (void)offset;
    (void)whence;
    return fail(file >= 0 && file < CONSOLE_FILES ? ESPIPE : EBADF);
}

int _fstat(int file, struct stat *status)
{
    if (file < 0 || file >= CONSOLE_FILES)
        return fail(EBADF);
    *status = (struct stat){.st_mode = S_IFCHR | S_IRUSR | S_IWUSR, .st_blksize = 256};
    return 0;
}

int _stat(const char *path, struct stat *status)
{
    (void)path;
    (void)status;
    return fail(ENOENT);
}

int _isatty(int file)
{
    return file >= 0 && file < CONSOLE_FILES ? 1 : fail(EBADF);
}

int _getpid(void)
{
    return 1;
}

/* abort() and raise() come here when no handler is installed. */
int _kill(int process, int signal)
{
    (void)process;
    weft_panic("signal %d was raised (abort, or a failed assertion above)", signal);
}

int _link(const char *from, const char *to)
{
    (void)from;
    (void)to;
    return fail(EMLINK);
}

int _unlink(const char *path)
{
    (void)path;
    return fail(ENOENT);
}

/* Time since boot: the boards have no calendar clock that weft reads yet. */
int _gettimeofday(struct timeval *time, void *zone)
{
    uint64_t now_us = weft_time_ns() / 1000;

    (void)zone;
    time->tv_sec = (time_t)(now_us / 1000000);
    time->tv_usec = (suseconds_t)(now_us % 1000000);
    return 0;
}

clock_t _times(struct tms *times)
{
    clock_t now = (clock_t)(weft_time_ns() / (1000000000u / CLOCKS_PER_SEC));

    *times = (struct tms){.tms_utime = now};
    return now;
}
