/* SPDX-License-Identifier: MIT */
/* newlib's <reent.h>, as little of it as mem/newlib_malloc.c needs on the host. */
#ifndef FAKE_REENT_H
#define FAKE_REENT_H

struct _reent {
    int _errno;
};

extern struct _reent fake_reent;
#define _REENT (&fake_reent)

#endif
