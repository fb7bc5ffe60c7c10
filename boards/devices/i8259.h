/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a PC-style south bridge, polled: the handler asks
 * which line is highest instead of reading a vector. Source: Intel 8259A data sheet (231468), "Poll
 * Command".
 *
 * A board includes this after defining: port_read8(port), port_write8(port, value).
 */
#ifndef BOARDS_DEVICES_I8259_H
#define BOARDS_DEVICES_I8259_H

#include <stdint.h>

static inline uint8_t port_read8(unsigned port);
static inline void port_write8(unsigned port, uint8_t value);

enum {
    I8259_MASTER = 0x20, /* command; data is the next port */
    I8259_SLAVE = 0xa0,
    I8259_ICW1 = 0x11, /* edge triggered, cascaded, ICW4 follows */
    I8259_ICW4 = 0x01, /* 8086 mode, normal end of interrupt */
    I8259_POLL = 0x0c, /* OCW3 */
    I8259_EOI = 0x20,  /* OCW2, non-specific */
    I8259_CASCADE = 2, /* the slave hangs on the master's line 2 */
};

/* Both controllers set up, every line masked but the cascade. */
static inline void i8259_init(void)
{
    port_write8(I8259_MASTER, I8259_ICW1);
    port_write8(I8259_MASTER + 1, 0x20); /* vectors, unused when polled */
    port_write8(I8259_MASTER + 1, 1 << I8259_CASCADE);
    port_write8(I8259_MASTER + 1, I8259_ICW4);
    port_write8(I8259_SLAVE, I8259_ICW1);
    port_write8(I8259_SLAVE + 1, 0x28);
    port_write8(I8259_SLAVE + 1, I8259_CASCADE);
    port_write8(I8259_SLAVE + 1, I8259_ICW4);
    port_write8(I8259_MASTER + 1, (uint8_t) ~(1 << I8259_CASCADE));
    port_write8(I8259_SLAVE + 1, 0xff);
}

static inline void i8259_unmask(unsigned line)
{
    unsigned port = (line < 8 ? I8259_MASTER : I8259_SLAVE) + 1;

    port_write8(port, (uint8_t)(port_read8(port) & ~(1u << (line & 7))));
}

/* The pending line of highest priority, taken out of the controller; -1 when there is none. */
static inline int i8259_take(void)
{
    uint8_t answer;

    port_write8(I8259_MASTER, I8259_POLL);
    answer = port_read8(I8259_MASTER);
    if ((answer & 0x80) == 0)
        return -1;
    port_write8(I8259_MASTER, I8259_EOI);
    if ((answer & 7) != I8259_CASCADE)
        return answer & 7;
    port_write8(I8259_SLAVE, I8259_POLL);
    answer = port_read8(I8259_SLAVE);
    if ((answer & 0x80) == 0)
        return -1;
    port_write8(I8259_SLAVE, I8259_EOI);
    return 8 + (answer & 7);
}

#endif
