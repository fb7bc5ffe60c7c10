/* SPDX-License-Identifier: MIT */
/*
 * A firmware that was there before weft: it has its own startup code (start.S), interrupt table and
 * linker script (firmware.ld). It hands weft the local APIC's timer and the RAM behind the image;
 * its own interrupt never goes through weft. For a PC under QEMU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/firmware.h>
#include <weft/weft.h>

#define COM1 0x3f8
#define COM1_LINE_STATUS (COM1 + 5)
#define COM1_CAN_SEND 0x20
#define TIMER_2 0x42 /* of the 8254 */
#define TIMER_CONTROL 0x43
#define TIMER_HZ 1193182
#define SPEAKER 0x61 /* timer 2's gate, bit 0, and output, bit 5 */
#define PIC 0x21     /* mask registers of the 8259s */
#define PIC_SECOND 0xa1
#define KEYBOARD 0x64
#define KEYBOARD_RESET 0xfe
#define APIC_COMMAND (*(volatile unsigned *)0xfee00300)
#define APIC_COMMAND_SELF 0x40000
#define OWN_VECTOR 0x70
#define PRESSES 5

struct gate {
    unsigned short offset_low, selector, flags, offset_middle;
    unsigned offset_high, reserved;
};

extern unsigned char __image_end[], own_ram_end[]; /* firmware.ld and weft's fragments */
extern const char own_interrupt_entry[];           /* start.S */
volatile unsigned own_interrupts;                  /* counted there */
void own_boot(void);

static struct gate own_vectors[256] __attribute__((aligned(16)));
static volatile int stop;

/* weft calls these from interrupts as well, where no vector register may be touched. */
#define GENERAL_REGISTERS_ONLY __attribute__((target("general-regs-only")))

GENERAL_REGISTERS_ONLY static unsigned char in(unsigned short port)
{
    unsigned char value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

GENERAL_REGISTERS_ONLY static void out(unsigned short port, unsigned char value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

GENERAL_REGISTERS_ONLY static void own_console_write(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        while ((in(COM1_LINE_STATUS)&COM1_CAN_SEND) == 0)
            ;
        out(COM1, (unsigned char)bytes[i]);
    }
}

GENERAL_REGISTERS_ONLY static void own_exit(int status)
{
    char line[] = "own: status 00\n";

    line[12] = (char)('0' + status / 10 % 10);
    line[13] = (char)('0' + status % 10);
    own_console_write(line, sizeof line - 1);
    out(KEYBOARD, KEYBOARD_RESET); /* the keyboard controller pulls the CPU's reset line */
}

static unsigned long long cycles(void)
{
    unsigned low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long long)high << 32 | low;
}

/* The time stamp counter's rate, by timer 2 counting down 10 ms once. */
static unsigned long long measure_hz(void)
{
    unsigned long long start;

    out(SPEAKER, (unsigned char)((in(SPEAKER) & ~2) | 1));
    out(TIMER_CONTROL, 0xb0); /* timer 2, both bytes, mode 0 */
    out(TIMER_2, TIMER_HZ / 100 & 255);
    out(TIMER_2, TIMER_HZ / 100 >> 8);
    start = cycles();
    while ((in(SPEAKER)&0x20) == 0)
        ;
    return (cycles() - start) * 100;
}

static void own_gate_set(unsigned vector, const char *entry)
{
    unsigned long offset = (unsigned long)entry;

    own_vectors[vector] = (struct gate){.offset_low = (unsigned short)offset,
                                        .selector = 0x08,
                                        .flags = 0x8e00, /* present, interrupt gate */
                                        .offset_middle = (unsigned short)(offset >> 16),
                                        .offset_high = (unsigned)(offset >> 32)};
}

/* From start.S, on the boot stack. */
void own_boot(void)
{
    struct weft_firmware firmware = {
        .memory = __image_end,
        .memory_bytes = (size_t)(own_ram_end - __image_end),
        .clock_hz = measure_hz(),
        .console_write = own_console_write,
        .exit = own_exit,
        .vectors = own_vectors,
        .command_line = "as it was",
    };

    out(PIC, 0xff); /* the 8259s' lines have no handlers here */
    out(PIC_SECOND, 0xff);
    own_gate_set(OWN_VECTOR, own_interrupt_entry);
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
    unsigned before = own_interrupts;

    APIC_COMMAND = APIC_COMMAND_SELF | OWN_VECTOR;
    while (own_interrupts == before) /* some instructions later */
        ;
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
