/* SPDX-License-Identifier: MIT */
/*
 * weft-unwind-table: the link step that makes the compact unwind table (docs/unwinding.md).
 *
 *   make IMAGE OUT   reads the linked IMAGE's call frame information and writes its table to OUT
 *   check IMAGE      IMAGE has its table: it is the one that `make` would write now (so the second
 * link has moved no code), and it says of every pc what the call frame information says size IMAGE
 * "TABLE TEXT": bytes of the table, bytes of code
 */
#include <stdio.h>
#include <string.h>

#include "tools/unwind/check.h"
#include "tools/unwind/table.h"

static void make(const char *path, const char *out)
{
    struct image image;
    struct table table;
    FILE *file;

    image_open(&image, path);
    table_make(&table, &image);
    file = fopen(out, "wb");
    if (file == NULL || fwrite(table.bytes, 1, table.size, file) != table.size || fclose(file) != 0)
        fail(out, "can't be written: %m");
}

static void check(const char *path)
{
    struct image image;
    struct table table;

    image_open(&image, path);
    if (image.table.size == 0)
        fail(path, "it has no unwind table (section " IMAGE_TABLE_SECTION ")");
    table_make(&table, &image);
    if (table.size != image.table.size || memcmp(table.bytes, image.table.bytes, table.size) != 0)
        fail(path, "its unwind table belongs to another link: code has moved; link it again with "
                   "CONFIG=UNWIND_TABLE=0");
    struct check done = check_rows(&image);

    if (done.wrong != NULL)
        fail(path, "the unwind table is wrong at 0x%llx (%s): %s",
             (unsigned long long)done.wrong_pc, image_symbol(&image, done.wrong_pc), done.wrong);
    if (done.left != 0 && !image.frames_loaded)
        fail(path,
             "%llu of %llu instructions have unwind information that does not fit into the table, "
             "and the image "
             "has nothing else: link it with CONFIG=UNWIND_TABLE=0",
             (unsigned long long)done.left, (unsigned long long)done.pcs);
}

static void size(const char *path)
{
    struct image image;

    image_open(&image, path);
    printf("%zu %llu\n", image.table.size, (unsigned long long)image.text_bytes);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (argc == 4 && strcmp(command, "make") == 0) {
        make(argv[2], argv[3]);
    } else if (argc == 3 && strcmp(command, "check") == 0) {
        check(argv[2]);
    } else if (argc == 3 && strcmp(command, "size") == 0) {
        size(argv[2]);
    } else {
        fputs("usage: weft-unwind-table make IMAGE OUT | check IMAGE | size IMAGE\n", stderr);
        return 2;
    }
    return 0;
}
