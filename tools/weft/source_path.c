/* SPDX-License-Identifier: MIT */
#include "tools/weft/source_path.h"

#include <stdbool.h>
#include <string.h>

/* Takes the last component away; false when there is none that could go. */
static bool path_pop(struct buffer *path, size_t root)
{
    size_t at = path->length;

    while (at > root && path->data[at - 1] != '/')
        at--;
    if (at == path->length || strcmp(path->data + at, "..") == 0)
        return false;
    path->length = at > root ? at - 1 : root;
    path->data[path->length] = '\0';
    return true;
}

/* Purely by text: a symbolic link on somebody else's machine cannot be followed here. */
static void path_normalize(struct buffer *normal, const char *path)
{
    size_t root = path[0] == '/';

    buffer_append(normal, path, root);
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        bool is_up = length == 2 && memcmp(path, "..", 2) == 0;

        if (length > 0 && !(length == 1 && path[0] == '.') &&
            !(is_up && (path_pop(normal, root) || (root > 0 && normal->length == root)))) {
            if (normal->length > root)
                buffer_byte(normal, '/');
            buffer_append(normal, path, length);
        }
        path += length;
        path += strspn(path, "/");
    }
}

void source_path_shorten(struct buffer *shown, const char *path, const char *directory)
{
    struct buffer file = {0}, base = {0};
    size_t skip = 0;

    path_normalize(&file, path);
    if (directory != NULL)
        path_normalize(&base, directory);
    if (base.length > 0 && file.length > base.length &&
        memcmp(file.data, base.data, base.length) == 0 && file.data[base.length] == '/')
        skip = base.length + 1;
    buffer_string(shown, buffer_text(&file) + skip);
    buffer_free(&file);
    buffer_free(&base);
}
