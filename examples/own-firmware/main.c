/* SPDX-License-Identifier: MIT */
/*
 * A firmware that was there before weft: it has its own reset code (start.S), vectors (vectors.S)
 * and linker script (firmware.ld). It hands weft the timer's interrupt and the RAM behind the
 * image; its own interrupt never goes through weft. For Malta with a 24Kf under QEMU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/firmware.h>
#include <weft/weft.h>

#define UART ((volatile unsigned char *)0xb80003f8)
#define UART_LINE_STATUS 5
#define UART_CAN_SEND 0x20
#define SOFT_RESET (*(volatile unsigned *)0xbf000500)
#define SOFT_RESET_GO 0x42
#define COUNT_HZ 160000000 /* half of the emulated core card's 320 MHz */
#define PRESSES 5

extern unsigned char __image_end[], own_ram_end[]; /* firmware.ld and weft's fragments */
extern char own_vectors[];
volatile unsigned own_interrupts; /* counted by vectors.S */
void own_boot(void);

static volatile int stop;

static void own_console_write(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        while ((UART[UART_LINE_STATUS] & UART_CAN_SEND) == 0)
            ;
        UART[0] = (unsigned char)bytes[i];
    }
}

static void own_exit(int status)
{
    const char line[] = {'o',
                         'w',
                         'n',
                         ':',
                         ' ',
                         's',
                         't',
                         'a',
                         't',
                         'u',
                         's',
                         ' ',
                         (char)('0' + status / 10 % 10),
                         (char)('0' + status % 10),
                         '\n'};

    own_console_write(line, sizeof line);
    SOFT_RESET = SOFT_RESET_GO;
}

/* From start.S, on the boot stack. */
void own_boot(void)
{
    const struct weft_firmware firmware = {
        .memory = __image_end,
        .memory_bytes = (size_t)(own_ram_end - __image_end),
        .clock_hz = COUNT_HZ,
        .console_write = own_console_write,
        .exit = own_exit,
        .vectors = own_vectors,
        .command_line = "as it was",
    };

    weft_start(&firmware);
}

/* Never gives the core away by itself: that main runs on is the timer's doing. */
static void *spinner_main(void *argument)
{
    unsigned long turns = 0;

    while (!stop)
        turns++;
    *(unsigned long *)argument = turns;
    return NULL;
}

static void own_interrupt_raise(void)
{
    __asm__ volatile("mfc0 $t0, $13\n\tori $t0, $t0, 0x100\n\tmtc0 $t0, $13\n\tehb" ::: "$8");
}

int main(int argc, char **argv)
{
    struct weft_thread *spinner;
    unsigned long turns = 0;

    printf("own: weft runs, main was told \"%s %s %s\"\n", argv[1], argv[2], argv[argc - 1]);
    if (weft_thread_spawn(&spinner, NULL, spinner_main, &turns) != 0)
        return EXIT_FAILURE;
    for (unsigned i = 0; i < PRESSES; i++) {
        weft_thread_sleep_ns(3000000); /* the spinner runs; the timer ends it */
        own_interrupt_raise();
    }
    stop = 1;
    if (weft_thread_join(spinner, NULL) != 0 || turns == 0)
        return EXIT_FAILURE;
    printf("own: the spinner was interrupted, own interrupts: %u\n", own_interrupts);
    return own_interrupts == PRESSES ? EXIT_SUCCESS : EXIT_FAILURE;
}
