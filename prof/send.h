/* SPDX-License-Identifier: MIT */
/* Sending logs over the console's line: at once when they are complete, or as they grow. */
#ifndef PROF_SEND_H
#define PROF_SEND_H

#include <stdbool.h>

/* Sends what is in the stopped logs of all cores and was not taken out by send_settled, with names
 * and totals; with `headers` from the beginning. Blocks for as long as the line takes; in a dying
 * system it takes no lock. */
void send_all(bool headers);

/* Sends and takes out what is settled in the running logs; true: there was something. Of one thread
 * at a time. Call send_headers once before. */
void send_headers(void);
bool send_settled(void);

#endif
