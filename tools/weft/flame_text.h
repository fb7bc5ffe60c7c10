/* SPDX-License-Identifier: MIT */
/* The style and script that go into every flame graph; made from flame.css and flame.js at build
 * time. */
#ifndef TOOLS_WEFT_FLAME_TEXT_H
#define TOOLS_WEFT_FLAME_TEXT_H

extern const char flame_css[];
extern const char flame_js[];

#endif
