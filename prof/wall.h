/* SPDX-License-Identifier: MIT */
/* Wall-clock profiles: what blocked threads wait for. */
#ifndef PROF_WALL_H
#define PROF_WALL_H

/* All cores' samplers run, or are about to be stopped. Thread context; the second may block. */
void wall_start(void);
void wall_stop(void);

#endif
