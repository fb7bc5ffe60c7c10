/* SPDX-License-Identifier: MIT */
/* What the demo works on when nobody handed it a file: a text of its own. */
#ifndef DEMO_TEXT_H
#define DEMO_TEXT_H

#include <stddef.h>

extern const char demo_text[];
extern const size_t demo_text_bytes; /* without the 0 at its end */

#endif
