/* SPDX-License-Identifier: MIT */
/*
 * Keys to small numbers: the first new key is 0, the next 1, and so on. The caller keeps what
 * belongs to a key in an array of its own. Keys are copied and never move, so a map of strings also
 * interns them. A zeroed struct is an empty map.
 */
#ifndef TOOLS_WEFT_MAP_H
#define TOOLS_WEFT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    void *key;
    size_t length;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* in the order of insertion */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* open addressing: entry number + 1, 0 = free; a power of two of them */
    size_t slot_count;
};

/* The key's number; *is_new (which may be NULL) says whether this call added it. */
size_t map_number(struct map *map, const void *key, size_t length, bool *is_new);

/* The key's number, without adding it; false when it is not there. */
bool map_find(const struct map *map, const void *key, size_t length, size_t *number);

/* The map's own copy of `text`: equal texts give equal pointers for as long as the map lives. */
const char *map_intern(struct map *map, const char *text);

static inline const void *map_key(const struct map *map, size_t number)
{
    return map->entries[number].key;
}

/* FNV-1a, 64 bits: also what colours flame graphs, so it must never change. */
uint64_t map_hash(const void *bytes, size_t length);

void map_free(struct map *map);

#endif
