/* SPDX-License-Identifier: MIT */
/* The demo's SHA-256: published vectors, every way to cut a message, and the host's sha256sum. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/demo/sha256.h"

static void digest_hex(const void *bytes, size_t count, char hex[65])
{
    unsigned char digest[SHA256_DIGEST_BYTES];
    sha256_digest(bytes, count, digest);
    sha256_hex(digest, hex);
}

static void fill(unsigned char *bytes, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(state >> 24);
    }
}

/* FIPS 180-4's examples, and those of NIST's "SHA256.pdf" and its byte-oriented test vectors. */
Test(demo_sha256, gives_the_published_digests)
{
    static const struct {
        const char *message, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
         "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
        {"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char hex[65];
        digest_hex(vectors[i].message, strlen(vectors[i].message), hex);
        cr_expect_str_eq(hex, vectors[i].digest, "vector %zu", i);
    }
}

Test(demo_sha256, a_million_times_a_in_odd_pieces)
{
    static const size_t pieces[] = {1000, 1, 63, 64, 65, 127, 4096};
    unsigned char text[4096], digest[SHA256_DIGEST_BYTES];
    char hex[65];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct sha256 sha;
        size_t left = 1000000;
        sha256_start(&sha);
        while (left > 0) {
            size_t piece = left < pieces[i] ? left : pieces[i];
            sha256_update(&sha, text, piece);
            left -= piece;
        }
        sha256_finish(&sha, digest);
        sha256_hex(digest, hex);
        cr_expect_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

Test(demo_sha256, every_cut_into_three_gives_the_same_digest)
{
    enum { LENGTH = 200 };
    unsigned char message[LENGTH], whole[SHA256_DIGEST_BYTES], cut[SHA256_DIGEST_BYTES];
    fill(message, sizeof message);
    sha256_digest(message, LENGTH, whole);
    for (size_t i = 0; i <= LENGTH; i++) {
        for (size_t j = i; j <= LENGTH; j++) {
            struct sha256 sha;
            sha256_start(&sha);
            sha256_update(&sha, message, i);
            sha256_update(&sha, message + i, j - i);
            sha256_update(&sha, message + j, LENGTH - j);
            sha256_finish(&sha, cut);
            cr_assert_arr_eq(cut, whole, sizeof whole, "cut at %zu and %zu", i, j);
        }
    }
}

Test(demo_sha256, agrees_with_sha256sum_around_the_padding_borders)
{
    static const size_t lengths[] = {0,  1,   54,  55,  56,  57,  63,  64,
                                     65, 119, 120, 121, 127, 128, 129, 100000};
    static unsigned char message[100000];
    char name[] = "/tmp/weft-demo-sha256-XXXXXX";
    int file = mkstemp(name);
    cr_assert(file >= 0);
    fill(message, sizeof message);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        FILE *out = fopen(name, "wb");
        cr_assert_eq(fwrite(message, 1, lengths[i], out), lengths[i]);
        fclose(out);
        char command[100], theirs[65] = "", ours[65];
        snprintf(command, sizeof command, "sha256sum < %s", name);
        FILE *in = popen(command, "r");
        cr_assert_eq(fscanf(in, "%64s", theirs), 1);
        pclose(in);
        digest_hex(message, lengths[i], ours);
        cr_expect_str_eq(ours, theirs, "%zu bytes", lengths[i]);
    }
    remove(name);
}
