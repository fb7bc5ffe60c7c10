/* SPDX-License-Identifier: MIT */
#include "kernel/console.h"

#include <stdbool.h>
#include <stdint.h>
#include <weft/console.h>

#include "arch/upcall.h"
#include "kernel/board.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/print.h"
#include "kernel/upcall.h"

/* Set once, by the panic: whoever holds the console's lock will never give it back. */
static volatile bool dying;

bool (*upcall_diverted)(const char *format, va_list arguments);
bool (*upcall_console_byte)(int byte);

void console_die(void)
{
    dying = true;
}

static bool console_lock(void)
{
    return !dying && upcall_console_lock();
}

void console_write(const char *bytes, size_t count)
{
    bool locked = console_lock();

    board_console_write(bytes, count);
    if (locked)
        upcall_console_unlock();
}

/* Collects a formatted text in pieces large enough to stay whole on the line. */
struct console_sink {
    struct print_sink sink;
    size_t fill;
    char buffer[64];
};

static void sink_flush(struct console_sink *out)
{
    board_console_write(out->buffer, out->fill);
    out->fill = 0;
}

static void sink_write(struct print_sink *sink, const char *bytes, size_t count)
{
    struct console_sink *out = (struct console_sink *)sink;

    for (size_t i = 0; i < count; i++) {
        out->buffer[out->fill++] = bytes[i];
        if (out->fill == sizeof out->buffer)
            sink_flush(out);
    }
}

void console_vprint(const char *format, va_list arguments)
{
    struct console_sink out = {.sink = {sink_write}};
    bool locked;

    if (!dying && upcall_diverted != NULL && upcall_diverted(format, arguments))
        return;
    locked = console_lock();
    print_format(&out.sink, format, arguments);
    sink_flush(&out);
    if (locked)
        upcall_console_unlock();
}

void print_console(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    console_vprint(format, arguments);
    va_end(arguments);
}

void weft_print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    console_vprint(format, arguments);
    va_end(arguments);
}

/* Received bytes wait here for whoever reads the console: one writer (the handler), one reader. */
static struct {
    volatile uint32_t head, tail;
    unsigned char bytes[256];
} input;

void console_received(int byte)
{
    if (upcall_console_byte != NULL && upcall_console_byte(byte))
        return;
    if (input.head - input.tail == sizeof input.bytes)
        return; /* nobody reads: the newest is dropped */
    input.bytes[input.head % sizeof input.bytes] = (unsigned char)byte;
    input.head++;
}

int console_read_byte(void)
{
    int byte;

    if (input.head == input.tail)
        return -1;
    byte = input.bytes[input.tail % sizeof input.bytes];
    input.tail++;
    return byte;
}

void upcall_nmi(void)
{
    if (!cores_hold_point_irqoff(core_self()->id, true))
        console_break();
}

void console_break(void)
{
    arch_irq_state state = arch_irq_save();

    /* An NMI comes to all cores at once: one dump is enough. */
    if (WEFT_CONFIG_CORES > 1 && !cores_freeze_first_irqoff()) {
        arch_irq_restore(state);
        return;
    }
    print_console("\nbreak: stacks of all threads\n\n");
    if (WEFT_CONFIG_UNWIND)
        upcall_dump_threads();
    if (WEFT_CONFIG_CORES > 1)
        cores_thaw_irqoff();
    arch_irq_restore(state);
}
