/* SPDX-License-Identifier: MIT */
/*
 * The 8254 timer as a time reference: counter 2, mode 0, 16 bits, polled by latching.
 * Source: Intel 82C54 data sheet (231244); port 0x61 is the PC's gate and speaker port.
 *
 * A board includes this after defining: port_read8(port), port_write8(port, value).
 */
#ifndef BOARDS_DEVICES_I8254_H
#define BOARDS_DEVICES_I8254_H

#include <stdint.h>

static inline uint8_t port_read8(unsigned port);
static inline void port_write8(unsigned port, uint8_t value);

#define I8254_HZ 1193182u

enum {
    I8254_COUNTER2 = 0x42,
    I8254_CONTROL = 0x43,
    I8254_GATE = 0x61,
    I8254_COUNTER2_MODE0 = 0xb0, /* counter 2, low byte then high byte, mode 0 */
    I8254_LATCH2 = 0x80,
};

/* Starts counting down from 65535. */
static inline void i8254_start(void)
{
    port_write8(I8254_GATE,
                (uint8_t)((port_read8(I8254_GATE) & ~2) | 1)); /* gate on, speaker off */
    port_write8(I8254_CONTROL, I8254_COUNTER2_MODE0);
    port_write8(I8254_COUNTER2, 0xff);
    port_write8(I8254_COUNTER2, 0xff);
}

static inline uint32_t i8254_elapsed(void)
{
    uint32_t low, high;

    port_write8(I8254_CONTROL, I8254_LATCH2);
    low = port_read8(I8254_COUNTER2);
    high = port_read8(I8254_COUNTER2);
    return 0xffffu - (high << 8 | low);
}

#define I8254_READS_MAX                                                                            \
    1000000u /* a tick takes longer than a reading: so many are never needed                       \
              */

/* Waits until at least `ticks` (below 60,000) have passed since i8254_start; returns how many; 0:
 * it does not count. */
static inline uint32_t i8254_wait(uint32_t ticks)
{
    for (uint32_t reads = 0; reads < I8254_READS_MAX; reads++) {
        uint32_t elapsed = i8254_elapsed();

        if (elapsed >= ticks)
            return elapsed;
    }
    return 0;
}

#endif
