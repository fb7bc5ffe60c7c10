/* SPDX-License-Identifier: MIT */
/* The firmware's vectors, per port (start-PORT.S, vectors-PORT.c). */
#ifndef BOARDS_FIRMWARE_VECTORS_H
#define BOARDS_FIRMWARE_VECTORS_H

#include <stdbool.h>

/* What is wrong with them, in a sentence; NULL: nothing. */
const char *firmware_vectors_fault(const void *vectors);

/* Makes `vectors` the CPU's. Interrupts are off; weft's own vectors are in force. */
void firmware_vectors_restore(void *vectors);

#endif
