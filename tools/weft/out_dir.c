/* SPDX-License-Identifier: MIT */
#include "tools/weft/out_dir.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *out_dir_name(const struct out_dir *out, const char *name, bool is_part)
{
    struct buffer path = {0};

    buffer_printf(&path, is_part ? "%s/.%s.part" : "%s/%s", out->path, name);
    return path.data;
}

static void out_dir_unlink(const struct out_dir *out, const char *name, bool is_part)
{
    char *path = out_dir_name(out, name, is_part);

    unlink(path);
    free(path);
}

/* mkdir -p; an error shows when the first file is created. */
static void out_dir_make(const char *path)
{
    char *copy = memory_string(path);

    for (char *at = copy + 1; copy[0] != '\0' && *at != '\0'; at++)
        if (*at == '/') {
            *at = '\0';
            mkdir(copy, 0777);
            *at = '/';
        }
    mkdir(copy, 0777);
    free(copy);
}

bool out_dir_open(struct out_dir *out, const char *path, const char *const *names,
                  struct buffer *error)
{
    struct stat status;

    *out = (struct out_dir){.path = path};
    out_dir_make(path);
    if (stat(path, &status) != 0) {
        buffer_printf(error, "%s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(status.st_mode)) {
        buffer_printf(error, "%s: not a directory", path);
        return false;
    }
    for (; *names != NULL; names++) {
        out_dir_unlink(out, *names, false);
        out_dir_unlink(out, *names, true);
    }
    return true;
}

FILE *out_dir_create(struct out_dir *out, const char *name, struct buffer *error)
{
    char *path = out_dir_name(out, name, true);
    FILE *stream = fopen(path, "we");

    assert(out->count < OUT_DIR_FILES_MAX);
    if (stream != NULL)
        out->files[out->count++] = (struct out_file){name, stream};
    else
        buffer_printf(error, "%s: %s", path, strerror(errno));
    free(path);
    return stream;
}

bool out_dir_write(struct out_dir *out, const char *name, const struct buffer *contents,
                   struct buffer *error)
{
    FILE *stream = out_dir_create(out, name, error);

    if (stream == NULL)
        return false;
    fwrite(buffer_text(contents), 1, contents->length, stream); /* publishing checks ferror() */
    return true;
}

static bool out_dir_close(struct out_file *file)
{
    bool is_good = file->stream == NULL || !ferror(file->stream);

    if (file->stream != NULL && fclose(file->stream) != 0)
        is_good = false;
    file->stream = NULL;
    return is_good;
}

static bool out_dir_rename(const struct out_dir *out, const char *name)
{
    char *from = out_dir_name(out, name, true), *to = out_dir_name(out, name, false);
    bool is_good = rename(from, to) == 0;

    free(from);
    free(to);
    return is_good;
}

bool out_dir_publish(struct out_dir *out, struct buffer *error)
{
    /* All are closed, and so known to be whole, before the first one gets its name. */
    for (size_t i = 0; i < out->count; i++)
        if (!out_dir_close(&out->files[i])) {
            buffer_printf(error, "%s/%s: %s", out->path, out->files[i].name, strerror(errno));
            out_dir_discard(out);
            return false;
        }
    for (size_t i = 0; i < out->count; i++)
        if (!out_dir_rename(out, out->files[i].name)) {
            buffer_printf(error, "%s/%s: %s", out->path, out->files[i].name, strerror(errno));
            out_dir_discard(out);
            return false;
        }
    out->count = 0;
    return true;
}

void out_dir_discard(struct out_dir *out)
{
    for (size_t i = 0; i < out->count; i++) {
        out_dir_close(&out->files[i]);
        out_dir_unlink(out, out->files[i].name, true);
    }
    out->count = 0;
}
