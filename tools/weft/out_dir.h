/* SPDX-License-Identifier: MIT */
/*
 * A directory of results that appear all at once: files are written under other names (a leading
 * dot and ".part") and renamed when everything is there. What an earlier run left is removed first.
 */
#ifndef TOOLS_WEFT_OUT_DIR_H
#define TOOLS_WEFT_OUT_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/weft/buffer.h"

#define OUT_DIR_FILES_MAX 12

struct out_file {
    const char *name;
    FILE *stream;
};

struct out_dir {
    const char *path;
    size_t count;
    struct out_file files[OUT_DIR_FILES_MAX];
};

/* Makes the directory if it is missing and removes `names` (NULL-terminated) from it. */
bool out_dir_open(struct out_dir *out, const char *path, const char *const *names,
                  struct buffer *error);

/* A new file to be published as DIR/name; NULL with an error. */
FILE *out_dir_create(struct out_dir *out, const char *name, struct buffer *error);
bool out_dir_write(struct out_dir *out, const char *name, const struct buffer *contents,
                   struct buffer *error);

/* Gives every file its name; on the first failure none that is not yet published stays. */
bool out_dir_publish(struct out_dir *out, struct buffer *error);
void out_dir_discard(struct out_dir *out);

#endif
