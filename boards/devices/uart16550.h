/* SPDX-License-Identifier: MIT */
/*
 * The 16550 UART, polled for sending, with interrupts for receiving.
 * Source: National Semiconductor PC16550D data sheet (1995), section 8.
 *
 * A board includes this after defining how a register is reached:
 *   static inline uint8_t uart_read(unsigned reg);  static inline void uart_write(unsigned reg,
 * uint8_t value);
 */
#ifndef BOARDS_DEVICES_UART16550_H
#define BOARDS_DEVICES_UART16550_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/console.h"

static inline uint8_t uart_read(unsigned reg);
static inline void uart_write(unsigned reg, uint8_t value);

enum {
    UART_DATA = 0, /* receiver buffer, transmitter holding; divisor's low byte while DLAB is set */
    UART_IER = 1,  /* interrupt enable; divisor's high byte */
    UART_FCR = 2,  /* FIFO control */
    UART_LCR = 3,  /* line control */
    UART_MCR = 4,  /* modem control */
    UART_LSR = 5,  /* line status */
};

enum {
    UART_IER_RECEIVED = 0x01,
    UART_IER_LINE_STATUS = 0x04,
    UART_FCR_ENABLE_CLEAR = 0x07,
    UART_LCR_8N1 = 0x03,
    UART_LCR_DLAB = 0x80,
    UART_MCR_DTR_RTS_OUT2 = 0x0b, /* OUT2 lets the interrupt out on a PC-style board */
    UART_LSR_DATA_READY = 0x01,
    UART_LSR_BREAK = 0x10,
    UART_LSR_THR_EMPTY = 0x20,
};

#define UART_INPUT_HZ 1843200u

static inline void uart_init(uint32_t baud)
{
    uint32_t divisor = UART_INPUT_HZ / 16 / baud;

    uart_write(UART_IER, 0);
    uart_write(UART_LCR, UART_LCR_DLAB);
    uart_write(UART_DATA, (uint8_t)divisor);
    uart_write(UART_IER, (uint8_t)(divisor >> 8));
    uart_write(UART_LCR, UART_LCR_8N1);
    uart_write(UART_FCR, UART_FCR_ENABLE_CLEAR);
    uart_write(UART_MCR, UART_MCR_DTR_RTS_OUT2);
}

static inline void uart_receive_interrupts(void)
{
    uart_write(UART_IER, UART_IER_RECEIVED | UART_IER_LINE_STATUS);
}

static inline void uart_send(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        while ((uart_read(UART_LSR) & UART_LSR_THR_EMPTY) == 0)
            ;
        uart_write(UART_DATA, (uint8_t)bytes[i]);
    }
}

/* Takes what has been received: a byte, UART_BREAK for a break, or UART_NOTHING. */
#define UART_NOTHING (-1)
#define UART_BREAK (-2)
static inline int uart_receive(void)
{
    uint8_t status = uart_read(UART_LSR);
    uint8_t byte;

    if ((status & UART_LSR_DATA_READY) == 0)
        return UART_NOTHING;
    byte = uart_read(UART_DATA);
    return status & UART_LSR_BREAK ? UART_BREAK : byte;
}

/* board_console_read: a break counts as nothing. */
static inline int uart_receive_byte(void)
{
    int byte = uart_receive();

    return byte >= 0 ? byte : UART_NOTHING;
}

/* The interrupt. Until nothing is left: where the line's edge counts, it does not come again for
 * what stays behind. */
static inline void uart_receive_to_console(void)
{
    int byte;

    while ((byte = uart_receive()) != UART_NOTHING) {
        if (byte == UART_BREAK)
            console_break();
        else
            console_received(byte);
    }
}

#endif
