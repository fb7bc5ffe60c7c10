/* SPDX-License-Identifier: MIT */
/*
 * What newlib asks of a system, below files and time: the console is descriptors 0, 1 and 2, and
 * nothing else is open. newlib's per-thread state and locks are in sched/newlib.c, its allocator in
 * mem/newlib_malloc.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* newlib's crt files would supply these; constructors are in .init_array. */
void _init(void);
void _fini(void);

#define CONSOLE_FILES 3

void _init(void)
{
}

void _fini(void)
{
}

void _exit(int status)
{
    board_exit(status & 255);
}

static int fail(int error)
{
    errno = error;
    return -1;
}

_READ_WRITE_RETURN_TYPE write(int file, const void *bytes, size_t count)
{
    if (file != STDOUT_FILENO && file != STDERR_FILENO)
        return fail(EBADF);
    console_write(bytes, count);
    return (_READ_WRITE_RETURN_TYPE)count;
}

/* What has been received, at most `count` bytes; 0 (end of file) when nothing has. */
_READ_WRITE_RETURN_TYPE read(int file, void *bytes, size_t count)
{
    char *to = bytes;
    size_t taken = 0;
    int byte;

    if (file != STDIN_FILENO)
        return fail(EBADF);
    while (taken < count && (byte = console_read_byte()) >= 0)
        to[taken++] = (char)byte;
    return (_READ_WRITE_RETURN_TYPE)taken;
}

int open(const char *path, int flags, ...)
{
    (void)path;
    (void)flags;
    return fail(ENOENT);
}

int close(int file)
{
    return file >= 0 && file < CONSOLE_FILES ? 0 : fail(EBADF);
}

off_t lseek(int file, off_t offset, int whence)
{
    (void)offset;
    (void)whence;
    return fail(file >= 0 && file < CONSOLE_FILES ? ESPIPE : EBADF);
}

int fstat(int file, struct stat *status)
{
    if (file < 0 || file >= CONSOLE_FILES)
        return fail(EBADF);
    *status = (struct stat){.st_mode = S_IFCHR | S_IRUSR | S_IWUSR, .st_blksize = 256};
    return 0;
}

int stat(const char *path, struct stat *status)
{
    (void)path;
    (void)status;
    return fail(ENOENT);
}

int isatty(int file)
{
    return file >= 0 && file < CONSOLE_FILES ? 1 : fail(EBADF);
}

pid_t getpid(void)
{
    return 1;
}

/* abort() and raise() come here when no handler is installed. */
int kill(pid_t process, int signal)
{
    (void)process;
    weft_panic("signal %d was raised (abort, or a failed assertion above)", signal);
}

int link(const char *from, const char *to)
{
    (void)from;
    (void)to;
    return fail(EMLINK);
}

int unlink(const char *path)
{
    (void)path;
    return fail(ENOENT);
}

/* Time since boot: the boards have no calendar clock that weft reads yet. */
int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    uint64_t now_us = weft_time_ns() / 1000;

    (void)zone;
    time->tv_sec = (time_t)(now_us / 1000000);
    time->tv_usec = (suseconds_t)(now_us % 1000000);
    return 0;
}

clock_t times(struct tms *times)
{
    clock_t now = (clock_t)(weft_time_ns() / (1000000000u / CLOCKS_PER_SEC));

    *times = (struct tms){.tms_utime = now};
    return now;
}
