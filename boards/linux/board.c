/* SPDX-License-Identifier: MIT */
/*
 * A Linux process as a board: standard output is the line, standard input what comes over it, a
 * mapped file is INPUT, mmap gives the memory and madvise takes it back. README.md in this folder
 * is the board's notebook.
 */
#include "kernel/board.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/amd64/hosted/hosted.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/upcall.h"
#include "boards/devices/command_line.h"
#include "kernel/console.h"
#include "kernel/print.h"

#define HEAP_MIB_DEFAULT 128u /* what the emulated boards have */
#define HEAP_MIB_MAX 1048576u
#define MIB 1048576u
#define KERNEL_PAGE_BYTES 4096u

enum { STATUS_USAGE = 64, STATUS_NO_INPUT = 66, STATUS_OS_ERROR = 71 }; /* sysexits.h */

static struct {
    const char *input_path;
    const void *input;
    size_t input_bytes;
    size_t heap_mib;
    void *heap;
} process;

/* ---- arguments ------------------------------------------------------------------------------- */

static _Noreturn void refuse(const char *what, const char *name, const char *why, int status)
{
    print_console("weft: %s%s: %s; stopped\n", what, name, why);
    board_exit(status);
}

static void take_heap_size(const char *text)
{
    char *end;
    unsigned long mib = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || mib < 1 || mib > HEAP_MIB_MAX)
        refuse("heap=", text, "not a number of MiB from 1 to 1048576", STATUS_USAGE);
    process.heap_mib = mib;
}

static bool take_nothing(const char *word, size_t length)
{
    (void)word;
    (void)length;
    return false;
}

/* Arguments of the board's own; a path may have blanks in it. */
static void take_argument(const char *argument)
{
    const char *value;

    if ((value = command_line_value(argument, "input")) != NULL)
        process.input_path = value;
    else if ((value = command_line_value(argument, "heap")) != NULL)
        take_heap_size(value);
    else
        command_line_take(argument, take_nothing);
}

static void input_map(const char *path)
{
    struct stat status;
    void *bytes = (void *)path; /* an empty file: somewhere */
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0 || fstat(file, &status) != 0)
        refuse("INPUT ", path, strerror(errno), STATUS_NO_INPUT);
    if (!S_ISREG(status.st_mode))
        refuse("INPUT ", path, "not a regular file", STATUS_NO_INPUT);
    if (status.st_size > 0)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        refuse("INPUT ", path, strerror(errno), STATUS_NO_INPUT);
    close(file);
    process.input = bytes;
    process.input_bytes = (size_t)status.st_size;
}

static void heap_map(void)
{
    process.heap = mmap(NULL, process.heap_mib * MIB, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (process.heap == MAP_FAILED)
        refuse("no memory for the heap", "", strerror(errno), STATUS_OS_ERROR);
}

void board_early_init(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3)
{
    char **arguments = (char **)a1;

    (void)a2;
    (void)a3;
    process.heap_mib = HEAP_MIB_DEFAULT;
    for (uintptr_t i = 1; i < a0; i++)
        take_argument(arguments[i]);
    if (process.input_path != NULL)
        input_map(process.input_path);
    heap_map();
}

const void *board_input(size_t *bytes)
{
    *bytes = process.input_bytes;
    return process.input;
}

const char *board_command_line(void)
{
    return command_line();
}

/* ---- console --------------------------------------------------------------------------------- */

/* Bytes on their way from standard input: one writer, the receiver; one reader, the interrupt. */
static struct {
    uint32_t head, tail;
    unsigned char bytes[256];
} line;

static void line_put(unsigned char byte)
{
    while (line.head - __atomic_load_n(&line.tail, __ATOMIC_ACQUIRE) == sizeof line.bytes)
        poll(NULL, 0, 1); /* nobody takes them: the terminal can wait */
    line.bytes[line.head % sizeof line.bytes] = byte;
    __atomic_store_n(&line.head, line.head + 1, __ATOMIC_RELEASE);
}

/* The other end of the line: a pthread that is no core and runs nothing of weft. It waits for
 * standard input, which a signal could announce only if the terminal were changed for everybody. */
static void *receiver(void *argument)
{
    unsigned char bytes[64];
    ssize_t count;

    while ((count = read(STDIN_FILENO, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            line_put(bytes[i]);
        hosted_interrupt_send(0, HOSTED_SIGNAL_DEVICE);
    }
    for (;;) /* a pthread that ends gives memory back, and the heap is for cores only */
        pause();
    return argument;
}

static void receiver_start(void)
{
    sigset_t all, before;
    pthread_t thread;

    sigfillset(&all); /* SIGTTIN too: in the background there is no input */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, receiver, NULL) == 0)
        pthread_detach(thread);
    else
        print_console("weft: no thread for standard input, which will seem empty\n");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void board_interrupt(uintptr_t pending)
{
    (void)pending;
    while (line.tail != __atomic_load_n(&line.head, __ATOMIC_ACQUIRE)) {
        console_received(line.bytes[line.tail % sizeof line.bytes]);
        __atomic_store_n(&line.tail, line.tail + 1, __ATOMIC_RELEASE);
    }
}

/* Only bytes for the console. */
bool board_wakes(void)
{
    return false;
}

void board_console_write(const char *bytes, size_t count)
{
    while (count > 0) {
        long written = hosted_syscall(SYS_write, STDOUT_FILENO, (long)bytes, (long)count, 0);

        if (written >= 0) {
            bytes += written;
            count -= (size_t)written;
        } else if (written == -EAGAIN) {
            struct pollfd wait = {STDOUT_FILENO, POLLOUT, 0};

            hosted_syscall(SYS_poll, (long)&wait, 1, -1, 0);
        } else if (written != -EINTR) {
            return; /* nobody is there to be told */
        }
    }
}

int board_console_read(void)
{
    return -1; /* bytes come by interrupt */
}

/* ---- cores ----------------------------------------------------------------------------------- */

static void *core_main(void *id)
{
    hosted_core_claim((unsigned)(uintptr_t)id);
    upcall_boot_core((unsigned)(uintptr_t)id);
}

bool board_core_start(unsigned id)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, core_main, (void *)(uintptr_t)id) == 0;
}

/* Each core on a processor of its own, beginning at the one where core 0 runs, if the process may
 * use as many. */
void board_core_init(void)
{
    static cpu_set_t allowed;
    static int first;
    unsigned id = arch_core_id();
    cpu_set_t mine;
    int cpu;

    if (id == 0) {
        first = sched_getcpu();
        if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
            CPU_ZERO(&allowed);
    }
    if (first < 0 || CPU_COUNT(&allowed) < WEFT_CONFIG_CORES)
        return;
    cpu = first;
    for (unsigned passed = 0; passed < id; passed += CPU_ISSET(cpu, &allowed) != 0)
        cpu = (cpu + 1) % CPU_SETSIZE;
    CPU_ZERO(&mine);
    CPU_SET(cpu, &mine);
    (void)!sched_setaffinity(0, sizeof mine, &mine); /* unpinned it works as well */
}

bool board_nmi_send(unsigned core)
{
    (void)core; /* a blocked signal waits, whichever it is */
    return false;
}

void board_ipi_send(unsigned core)
{
    hosted_interrupt_send(core, HOSTED_SIGNAL_IPI);
}

/* ---- the rest -------------------------------------------------------------------------------- */

void board_init(void)
{
    hosted_clock_hz();
    receiver_start();
    if (WEFT_CONFIG_CORES > 1)
        board_core_init();
}

uint64_t board_clock_hz(void)
{
    return hosted_clock_hz();
}

bool board_heap_region(unsigned index, struct board_region *region)
{
    region->start = process.heap;
    region->bytes = process.heap_mib * MIB;
    return index == 0;
}

bool board_random_seed(uint8_t seed[32])
{
    return getrandom(seed, 32, 0) == 32;
}

/* The kernel's pages that lie wholly inside; they read as zero afterwards. The heap's pages may be
 * smaller. */
void board_pages_release(void *start, size_t bytes)
{
    uintptr_t from = ((uintptr_t)start + KERNEL_PAGE_BYTES - 1) & -(uintptr_t)KERNEL_PAGE_BYTES;
    uintptr_t to = ((uintptr_t)start + bytes) & -(uintptr_t)KERNEL_PAGE_BYTES;

    if (from < to)
        hosted_syscall(SYS_madvise, (long)from, (long)(to - from), MADV_DONTNEED, 0);
}

/* The first touch brings them back. */
void board_pages_commit(void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

/* ---- stack guards: a mapping each, of which Linux gives a process 65,530 at first ---------------
 */

size_t board_guard_bytes(void)
{
    return KERNEL_PAGE_BYTES;
}

bool board_guard_set(void *page, const void *end)
{
    (void)end;
    return hosted_syscall(SYS_mprotect, (long)page, KERNEL_PAGE_BYTES, PROT_NONE, 0) == 0;
}

void board_guard_clear(void *page, const void *end)
{
    (void)end;
    hosted_syscall(SYS_mprotect, (long)page, KERNEL_PAGE_BYTES, PROT_READ | PROT_WRITE, 0);
}

_Noreturn void board_exit(int status)
{
    arch_irq_save();
    for (;;)
        hosted_syscall(SYS_exit_group, status, 0, 0, 0);
}
