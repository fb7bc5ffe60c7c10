/* SPDX-License-Identifier: MIT */
/* Framing: escape, checksum, and out through the board's console, a small piece at a time. */
#include "prof/frame.h"

#include <stdbool.h>

#include "kernel/board.h"
#include "kernel/upcall.h"

#define PIECE_BYTES 64

/* Bytes on their way to the line. */
struct piece {
    unsigned used;
    char bytes[PIECE_BYTES];
};

/* By half bytes: 16 words of table instead of 256; the line is slower than either. */
uint32_t frame_crc32(uint32_t crc, const void *bytes, size_t count)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const unsigned char *at = bytes;

    crc = ~crc;
    while (count-- > 0) {
        crc ^= *at++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void piece_flush(struct piece *piece)
{
    if (piece->used > 0)
        board_console_write(piece->bytes, piece->used);
    piece->used = 0;
}

static void piece_put(struct piece *piece, unsigned byte)
{
    if (piece->used == PIECE_BYTES)
        piece_flush(piece);
    piece->bytes[piece->used++] = (char)byte;
}

static void piece_put_escaped(struct piece *piece, unsigned byte)
{
    if (byte >= FRAME_ESCAPE) {
        piece_put(piece, FRAME_ESCAPE);
        byte ^= FRAME_FLIP;
    }
    piece_put(piece, byte);
}

void frame_send(const struct log_record *record)
{
    const unsigned char *bytes = (const unsigned char *)record;
    uint32_t crc = frame_crc32(0, record, record->length);
    struct piece piece;
    bool locked = upcall_console_lock();

    piece.used = 0;
    piece_put(&piece, FRAME_BEGIN);
    for (unsigned i = 0; i < record->length; i++)
        piece_put_escaped(&piece, bytes[i]);
    for (int shift = 24; shift >= 0; shift -= 8)
        piece_put_escaped(&piece, crc >> shift & 0xff);
    piece_put(&piece, FRAME_END);
    piece_flush(&piece);
    if (locked)
        upcall_console_unlock();
}
