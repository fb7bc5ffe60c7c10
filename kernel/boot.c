/* SPDX-License-Identifier: MIT */
/*
 * From the port's reset code to main.
 *
 * The boot context runs on core 0's system stack with interrupts off. It brings up, in this order,
 * the console, the core, the traps, the board, time and the heap, and turns into nothing: the
 * scheduler starts thread 1, which runs constructors, main and exit, and the system stack is left
 * to interrupts.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <weft/console.h>
#include <weft/input.h>

#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/fpu.h"
#include "arch/tls.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/board.h"
#include "kernel/canary.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"

/* EX_CONFIG and EX_OSERR of sysexits.h. */
#define STATUS_UNUSABLE_BOARD 78

#define ARGUMENTS_MAX 32
#define COMMAND_LINE_MAX 1024

int main(int argc, char **argv);
void __libc_init_array(void);

/* Copies the command line and cuts it at blanks. More than fits is an error worth stopping for. */
static int arguments_split(char *argv[ARGUMENTS_MAX + 1])
{
    static char line[COMMAND_LINE_MAX];
    static char image_name[] = "weft";
    const char *given = board_command_line();
    int count = 0;

    argv[count++] = image_name;
    if (given != NULL && strlen(given) >= sizeof line)
        weft_panic("the command line is longer than %d bytes", COMMAND_LINE_MAX - 1);
    if (given != NULL)
        memcpy(line, given, strlen(given) + 1);
    for (char *at = line; *at != '\0'; at++) {
        bool begins = *at != ' ' && (at == line || at[-1] == '\0');

        if (begins && count == ARGUMENTS_MAX)
            weft_panic("the command line has more than %d words", ARGUMENTS_MAX - 1);
        if (begins)
            argv[count++] = at;
        if (*at == ' ')
            *at = '\0';
    }
    argv[count] = NULL;
    return count;
}

uint32_t boot_cycles; /* when C began, for tests/bench */

/* Thread 1. */
static void main_thread(void)
{
    static char *argv[ARGUMENTS_MAX + 1];
    int argc = arguments_split(argv);

    __libc_init_array();
    exit(main(argc, argv));
}

/* By the board alone: printing asks which core it is on, and that may be what the CPU can't say. */
static void say_missing(const char *sentence)
{
    board_console_write("weft: ", 6);
    board_console_write(sentence, strlen(sentence));
    board_console_write("; stopped\n", 10);
}

_Noreturn void upcall_boot(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3)
{
    const char *missing;

    boot_cycles = arch_clock_cycles();
    core_init(0);
    board_early_init(a0, a1, a2, a3);
    missing = arch_cpu_missing();
    if (missing != NULL) {
        say_missing(missing);
        board_exit(STATUS_UNUSABLE_BOARD);
    }
    arch_trap_init();
    arch_fpu_init(core_self());
    if (WEFT_CONFIG_TLS)
        core_tls_used_set(core_self(), arch_tls_init());
    board_init();
    canary_init();
    if (WEFT_CONFIG_HEAP)
        upcall_heap_init();
    tick_init();
    upcall_sched_init();
    if (WEFT_CONFIG_CORES > 1)
        cores_start();
    upcall_sched_start(main_thread);
}

const void *weft_input(size_t *bytes)
{
    return board_input(bytes);
}
