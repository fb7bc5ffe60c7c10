/* SPDX-License-Identifier: MIT */
/* Images for Malta's boot flash: each boots as the only firmware that the board has. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

#define INPUT "/usr/share/common-licenses/GPL-3"

static void need_malta(void)
{
    if (strcmp(board_name(), "malta") != 0)
        cr_skip_test("these are Malta's");
}

static const char *build_folder(void)
{
    static char folder[256];

    board_image_path(folder, sizeof folder, "demo", NULL);
    *strrchr(folder, '/') = '\0';
    return folder;
}

/* Makes FOLDER/NAME.bin and .bios of the demo; returns the tool's status. */
static int flash_make(char **output, const char *name, const char *options)
{
    const char *folder = build_folder();

    return host_run(output,
                    "mkdir -p %s/flash && build/bin/weft flash --elf %s/demo.elf --start "
                    "%s/flash-start.bin --out %s/flash/%s.bin --bios %s/flash/%s.bios %s 2>&1",
                    folder, folder, folder, folder, name, folder, name, options);
}

/* Boots it: no kernel, no loader, no arguments. */
static int flash_boot(char **output, const char *name, unsigned memory_mib)
{
    return host_run(output,
                    "timeout 60 qemu-system-%s -M malta -cpu 24Kf -m %u -display none -serial "
                    "stdio -monitor none -no-reboot -semihosting-config enable=on,target=native "
                    "-bios %s/flash/%s.bios 2>&1 </dev/null",
                    board_arch(), memory_mib, build_folder(), name);
}

static void made(const char *name, const char *options)
{
    char *output;

    need_malta();
    cr_assert_eq(flash_make(&output, name, options), 0, "%s", output);
}

Test(malta_flash, boots_the_demo_from_the_reset_vector)
{
    char *output, *digest, line[100];

    made("input", "--input " INPUT " -- passes=2 exit=semihosting status=7");
    cr_assert_eq(flash_boot(&output, "input", 128), 7, "%s", output);
    cr_assert_eq(host_run(&digest, "sha256sum " INPUT " | cut -d' ' -f1 | tr -d '\\n'"), 0);
    snprintf(line, sizeof line, "demo: sha256=%s\n", digest);
    assert_contains(output, line);
    assert_contains(output, "weft flash: MiB of RAM: 128\r\n");
    assert_contains(output, "demo: round trip ok");
}

/* The RAM that is measured is the heap that the program gets. */
Test(malta_flash, measures_the_ram_and_takes_the_built_in_text_without_input)
{
    char *output;
    const char *heap;

    made("plain", "-- passes=1 exit=semihosting");
    cr_assert_eq(flash_boot(&output, "plain", 37), 0, "%s", output);
    assert_contains(output, "weft flash: MiB of RAM: 37\r\n");
    assert_contains(output, "demo: no file was handed over");
    assert_contains(output, "demo: round trip ok");
    heap = strstr(output, "consumed: ");
    cr_assert_not_null(heap);
    cr_assert(atoi(heap + 10) > 35 * 1024 && atoi(heap + 10) < 37 * 1024, "%.30s", heap);
}

Test(malta_flash, takes_the_ram_that_it_was_told)
{
    char *output;

    made("told", "--memory 16 -- passes=1 exit=semihosting");
    cr_assert_eq(flash_boot(&output, "told", 64), 0, "%s", output);
    assert_contains(output, "weft flash: MiB of RAM: 16\r\n");
}

Test(malta_flash, too_little_ram_is_a_sentence)
{
    char *output;

    made("small", "--memory 1");
    flash_boot(&output, "small", 64);
    assert_contains(output, "this is too little RAM for the program");
    cr_assert_null(strstr(output, "weft demo"));
}

Test(malta_flash, damage_is_found_before_the_program_runs)
{
    char *output;
    const char *folder = build_folder();

    made("damaged", "--input " INPUT);
    cr_assert_eq(host_run(&output,
                          "printf '\\125' | dd of=%s/flash/damaged.bios bs=1 seek=30000 "
                          "conv=notrunc 2>&1",
                          folder),
                 0, "%s", output);
    flash_boot(&output, "damaged", 64);
    assert_contains(output, "flash or RAM is damaged; write the flash again");
    cr_assert_null(strstr(output, "weft demo"));
}

/* Cut short: the rest of a flash chip reads as something else. */
Test(malta_flash, an_image_that_is_cut_short_is_damaged)
{
    char *output;

    made("cut", "--input " INPUT);
    cr_assert_eq(host_run(&output, "truncate -s 65536 %s/flash/cut.bios 2>&1", build_folder()), 0);
    flash_boot(&output, "cut", 64);
    assert_contains(output, "flash or RAM is damaged");
}

Test(malta_flash, start_code_alone_says_what_is_missing)
{
    char *output;
    const char *folder = build_folder();

    need_malta();
    cr_assert_eq(host_run(&output,
                          "mkdir -p %s/flash && cp %s/flash-start.bin %s/flash/bare.bios && "
                          "truncate -s %%4 %s/flash/bare.bios && if [ %s = mipsel ]; then "
                          "mipsel-linux-gnu-objcopy -I binary -O binary --reverse-bytes=4 "
                          "%s/flash/bare.bios; fi 2>&1",
                          folder, folder, folder, folder, board_arch(), folder),
                 0, "%s", output);
    flash_boot(&output, "bare", 64);
    assert_contains(output, "there is no program behind the start code");
}

static void refused(const char *options, const char *sentence)
{
    char *output;
    const char *folder = build_folder();

    need_malta();
    host_run(&output, "rm -f %s/flash/refused.*", folder);
    cr_assert_neq(flash_make(&output, "refused", options), 0, "%s", output);
    assert_contains(output, sentence);
    cr_assert_neq(host_run(&output, "ls %s/flash/refused.* 2>&1", folder), 0, "left: %s", output);
}

Test(malta_flash, what_the_board_cannot_run_is_refused)
{
    char *output;
    const char *other = strcmp(board_arch(), "mips") == 0 ? "mipsel" : "mips";
    char options[300];

    need_malta();
    host_run(&output, "mkdir -p %s/flash && truncate -s 5M %s/flash/large", build_folder(),
             build_folder());
    snprintf(options, sizeof options, "--input %s/flash/large", build_folder());
    refused(options, "the board's flash has room for 4063232");
    refused("--input /no/such/file", "/no/such/file: No such file");
    refused("--input /usr", "/usr: not a file");
    refused("--memory 300", "the board's RAM is 1 to 256 MiB");
    refused("--elf /bin/true", "is not a program for a 32-bit MIPS CPU");
    snprintf(options, sizeof options, "--start build/malta-%s/flash-start.bin", other);
    if (host_run(&output, "test -r build/malta-%s/flash-start.bin", other) == 0)
        refused(options, "is not the start code for a");
}

/* ---- programmers' formats ------------------------------------------------------------------- */

static unsigned hex(const char *text, unsigned digits)
{
    unsigned value = 0;

    for (unsigned i = 0; i < digits; i++) {
        const char *digit = strchr("0123456789ABCDEF", text[i]);

        cr_assert(text[i] != '\0' && digit != NULL, "not a digit in: %.20s", text);
        value = value << 4 | (unsigned)(digit - "0123456789ABCDEF");
    }
    return value;
}

/* The sum of the record's bytes from `text` on, `count` of them. */
static unsigned record_sum(const char *text, unsigned count)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += hex(text + 2 * i, 2);
    return sum & 255;
}

#define FLASH_ADDRESS 0x1e000000u
#define FLASH_BYTES 0x400000u

struct decoded {
    unsigned char bytes[FLASH_BYTES];
    size_t end;
    bool is_whole; /* the last record was there */
};

static void decoded_put(struct decoded *decoded, unsigned address, const char *text, unsigned count)
{
    cr_assert(address >= FLASH_ADDRESS && address - FLASH_ADDRESS + count <= FLASH_BYTES,
              "address 0x%x is not in the flash", address);
    cr_assert_eq(address - FLASH_ADDRESS, decoded->end, "a gap at 0x%x", address);
    for (unsigned i = 0; i < count; i++)
        decoded->bytes[decoded->end++] = (unsigned char)hex(text + 2 * i, 2);
}

/* Intel's "Hexadecimal Object File Format Specification" (1988): data, end, linear address. */
static void intel_hex_line(struct decoded *decoded, const char *line)
{
    static unsigned upper;
    unsigned count = hex(line + 1, 2), address = hex(line + 3, 4), type = hex(line + 7, 2);

    cr_assert_eq(line[0], ':');
    cr_assert_eq(record_sum(line + 1, count + 5), 0, "checksum of: %s", line);
    if (type == 0)
        decoded_put(decoded, (upper << 16) + address, line + 9, count);
    else if (type == 4)
        upper = hex(line + 9, 4);
    else if (type == 1)
        decoded->is_whole = true;
    else
        cr_assert_eq(type, 5, "record type %u", type); /* a start address */
}

/* Motorola's M68000 family programmer's reference manual, appendix C: S0, S3, S7. */
static void s_record_line(struct decoded *decoded, const char *line)
{
    unsigned count = hex(line + 2, 2);

    cr_assert_eq(line[0], 'S');
    cr_assert_eq(record_sum(line + 2, count + 1), 255, "checksum of: %s", line);
    if (line[1] == '3')
        decoded_put(decoded, hex(line + 4, 8), line + 12, count - 5);
    else if (line[1] == '7')
        decoded->is_whole = true;
    else
        cr_assert(line[1] == '0' || line[1] == '5', "record S%c", line[1]);
}

static void decodes_to_the_image(const char *suffix,
                                 void (*take)(struct decoded *decoded, const char *line))
{
    static struct decoded decoded;
    static unsigned char image[FLASH_BYTES];
    char path[300], *text, *rest = NULL;
    size_t bytes;
    FILE *file;

    need_malta();
    snprintf(path, sizeof path, "%s/demo-flash.%s", build_folder(), suffix);
    text = file_text(path);
    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest))
        take(&decoded, line);
    cr_assert(decoded.is_whole, "%s has no end record", path);
    snprintf(path, sizeof path, "%s/demo-flash.bin", build_folder());
    file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    bytes = fread(image, 1, sizeof image, file);
    fclose(file);
    cr_assert_gt(bytes, 100000);
    cr_assert_eq(bytes, decoded.end);
    cr_assert_eq(memcmp(image, decoded.bytes, bytes), 0);
}

Test(malta_flash, intel_hex_is_the_image)
{
    decodes_to_the_image("hex", intel_hex_line);
}

Test(malta_flash, s_records_are_the_image)
{
    decodes_to_the_image("srec", s_record_line);
}
