/* SPDX-License-Identifier: MIT */
#ifndef EMULATE_H
#define EMULATE_H

void emulate(void);

#endif
