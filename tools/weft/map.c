/* SPDX-License-Identifier: MIT */
#include "tools/weft/map.h"

#include <stdlib.h>
#include <string.h>

#include "tools/weft/buffer.h"

uint64_t map_hash(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t map_slot(const struct map *map, const void *key, size_t length, uint64_t hash)
{
    size_t slot = hash & (map->slot_count - 1);

    while (map->slots[slot] != 0) {
        const struct map_entry *entry = &map->entries[map->slots[slot] - 1];

        if (entry->hash == hash && entry->length == length && memcmp(entry->key, key, length) == 0)
            break;
        slot = (slot + 1) & (map->slot_count - 1);
    }
    return slot;
}

static void map_grow(struct map *map)
{
    size_t slot_count = map->slot_count == 0 ? 64 : map->slot_count * 2;

    free(map->slots);
    map->slots = memory_zeroed(slot_count * sizeof map->slots[0]);
    map->slot_count = slot_count;
    for (size_t i = 0; i < map->count; i++) {
        size_t slot = map->entries[i].hash & (slot_count - 1);

        while (map->slots[slot] != 0)
            slot = (slot + 1) & (slot_count - 1);
        map->slots[slot] = (uint32_t)(i + 1);
    }
}

size_t map_number(struct map *map, const void *key, size_t length, bool *is_new)
{
    uint64_t hash = map_hash(key, length);
    size_t slot;

    if (map->count * 2 >= map->slot_count)
        map_grow(map);
    slot = map_slot(map, key, length, hash);
    if (is_new != NULL)
        *is_new = map->slots[slot] == 0;
    if (map->slots[slot] != 0)
        return map->slots[slot] - 1;
    map->entries =
        array_reserve(map->entries, &map->capacity, map->count + 1, sizeof map->entries[0]);
    map->entries[map->count] =
        (struct map_entry){.key = memory_copy(key, length), .length = length, .hash = hash};
    map->slots[slot] = (uint32_t)(map->count + 1);
    return map->count++;
}

bool map_find(const struct map *map, const void *key, size_t length, size_t *number)
{
    size_t slot;

    if (map->slot_count == 0)
        return false;
    slot = map_slot(map, key, length, map_hash(key, length));
    *number = map->slots[slot] - 1u;
    return map->slots[slot] != 0;
}

const char *map_intern(struct map *map, const char *text)
{
    return map_key(map, map_number(map, text, strlen(text) + 1, NULL));
}

void map_free(struct map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free(map->entries[i].key);
    free(map->entries);
    free(map->slots);
    *map = (struct map){0};
}
