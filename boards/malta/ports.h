/* SPDX-License-Identifier: MIT */
/* Malta's legacy devices, for the drivers of boards/devices. */
#ifndef BOARDS_MALTA_PORTS_H
#define BOARDS_MALTA_PORTS_H

#include <stdint.h>

#include "boards/malta/malta.h"

static inline uint8_t port_read8(unsigned port)
{
    return *(volatile uint8_t *)(MALTA_ISA_IO + port);
}

static inline void port_write8(unsigned port, uint8_t value)
{
    *(volatile uint8_t *)(MALTA_ISA_IO + port) = value;
}

static inline uint8_t uart_read(unsigned reg)
{
    return port_read8(MALTA_UART_PORT + reg);
}

static inline void uart_write(unsigned reg, uint8_t value)
{
    port_write8(MALTA_UART_PORT + reg, value);
}

#endif
