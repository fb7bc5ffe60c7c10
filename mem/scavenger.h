/* SPDX-License-Identifier: MIT */
/* The scavenger: gives pages that stayed free back to the board. */
#ifndef MEM_SCAVENGER_H
#define MEM_SCAVENGER_H

#include <stdbool.h>

/* One bounded piece of a round: at most 64 KiB go to the board, with no lock held. True: the
 * round goes on, call again soon. False: it is over; call again after a period. Pages are given
 * back when they were free for one whole round at least, so for between one and two periods.
 * Context: thread. */
bool scavenger_step(void);

#endif
