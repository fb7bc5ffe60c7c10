/* SPDX-License-Identifier: MIT */
#include "prof/names.h"

#include <stddef.h>

static unsigned slot_of(uint32_t thread, unsigned probe)
{
    return (thread + probe) & (NAMES_SLOTS - 1);
}

void names_clear(struct names *names)
{
    names->dropped = 0;
    for (unsigned i = 0; i < NAMES_SLOTS; i++)
        names->entry[i].thread = 0;
}

const struct log_name *names_find(const struct names *names, uint32_t thread)
{
    for (unsigned probe = 0; probe < NAMES_PROBES; probe++)
        if (names->entry[slot_of(thread, probe)].thread == thread)
            return &names->entry[slot_of(thread, probe)];
    return NULL;
}

void names_fill(struct log_name *entry, uint32_t thread, const char *name)
{
    uint32_t bytes = 0;

    while (name != NULL && bytes < NAMES_BYTES && name[bytes] != 0) {
        entry->text[bytes] = name[bytes];
        bytes++;
    }
    entry->bytes = bytes;
    entry->thread = thread;
}

void names_add(struct names *names, uint32_t thread, const char *name)
{
    if (thread == 0 || names_find(names, thread) != NULL)
        return;
    for (unsigned probe = 0; probe < NAMES_PROBES; probe++) {
        struct log_name *entry = &names->entry[slot_of(thread, probe)];

        if (entry->thread == 0) {
            names_fill(entry, thread, name);
            return;
        }
    }
    names->dropped++;
}
