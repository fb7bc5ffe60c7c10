/* SPDX-License-Identifier: MIT */
/*
 * What newlib asks of a system, and has no file of its own here: files are in kernel/newlib_file.c,
 * time in kernel/newlib_time.c, exit in kernel/newlib_exit.c, sleeping, per-thread state and locks
 * in sched/newlib.c, the allocator in mem/newlib_malloc.c.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include <weft/console.h>

#include "kernel/board.h"

/* newlib's crt files would supply these; constructors are in .init_array. */
void _init(void);
void _fini(void);
extern void *__dso_handle;

void _init(void)
{
}

void _fini(void)
{
}

/* Of which part of a program C++ destructors are: there is one part (Itanium C++ ABI, 3.3.5.2). */
void *__dso_handle = &__dso_handle;

void _exit(int status)
{
    board_exit(status & 255);
}

static int fail(int error)
{
    errno = error;
    return -1;
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
