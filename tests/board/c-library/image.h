/* SPDX-License-Identifier: MIT */
#ifndef IMAGE_H
#define IMAGE_H

void threads_have_their_own(void); /* errno, strtok, rand, streams */
void threads_print_lines(void);
void threads_leave_nothing(void);
void clocks(void);
void random_bytes(void);
void handlers(void);
void files(const char *host_folder);

#endif
