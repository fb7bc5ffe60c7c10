/* SPDX-License-Identifier: MIT */
/*
 * The demo, put into a Malta's flash by the boot loader that is there already: Debian's U-Boot
 * (package u-boot-qemu), little-endian. Everything is typed at U-Boot's prompt, as docs/flashing.md
 * says it.
 *
 * QEMU's flash loses what is written in buffers, but for the first 2 KiB of a sector (QEMU issue
 * 2343, in Debian 12's 7.2, mended in 9.1): U-Boot's `cp.b` then reports a timeout. Where it does,
 * the test speaks the flash chip's own protocol (Intel's, as CFI describes it) with U-Boot's memory
 * commands.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/board/harness.h"
#include "tests/board/malta-u-boot/host-dialogue.h"

#define U_BOOT "/usr/lib/u-boot/maltael/u-boot.bin"
#define INPUT "/usr/share/common-licenses/GPL-3"
#define FOLDER "build/tests/run/malta-mipsel/u-boot"
#define PROMPT "maltael # "

#define LOADED 0x81000000u        /* U-Boot's own default */
#define FLASH_PROGRAM 0xbe050000u /* the first sector behind U-Boot, which has 292,516 bytes */
#define FLASH_INPUT 0xbe100000u
#define BUFFER_BYTES 0x800u
#define KSEG0_BIT 0x20000000u /* the flash's other address, which `cp` does not know as flash */

static void command(struct dialogue *board, const char *text)
{
    dialogue_expect(board, PROMPT);
    dialogue_send(board, "%s", text);
}

/* Asks, and waits for the answer's beginning. */
static void command_expect(struct dialogue *board, const char *text, const char *answer)
{
    command(board, text);
    dialogue_expect(board, answer);
}

/* One buffer by hand: errors cleared, command, number of accesses less one, data, confirmation;
 * back to reading. U-Boot copies words. */
static void flash_write_buffer(struct dialogue *board, unsigned flash, unsigned from)
{
    char line[250];

    snprintf(line, sizeof line,
             "mw.w %x 50; mw.w %x e8; mw.w %x %x; cp.b %x %x %x; mw.w %x d0; mw.w %x ff", flash,
             flash, flash, BUFFER_BYTES / 4 - 1, from, flash & ~KSEG0_BIT, BUFFER_BYTES, flash,
             flash);
    command(board, line);
}

static void flash_write(struct dialogue *board, unsigned flash, unsigned bytes)
{
    char line[100];

    snprintf(line, sizeof line, "erase %x +%x", flash, bytes);
    command_expect(board, line, "Erased");
    snprintf(line, sizeof line, "cp.b %x %x %x", LOADED, flash, bytes);
    command_expect(board, line, "Copy to Flash... ");
    if (strstr(dialogue_expect(board, "\n"), "imeout") != NULL)
        for (unsigned at = 0; at < bytes; at += BUFFER_BYTES)
            flash_write_buffer(board, flash + at, LOADED + at);
    snprintf(line, sizeof line, "cmp.b %x %x %x", LOADED, flash, bytes);
    snprintf(line + 50, sizeof line - 50, "Total of %u byte(s) were the same", bytes);
    command_expect(board, line, line + 50);
}

static unsigned file_bytes(const char *path)
{
    struct stat status;

    cr_assert_eq(stat(path, &status), 0, "%s is missing", path);
    return (unsigned)status.st_size;
}

static void load_and_write(struct dialogue *board, const char *name, unsigned flash)
{
    char line[200];
    unsigned bytes;

    snprintf(line, sizeof line, FOLDER "/%s", name);
    bytes = file_bytes(line);
    snprintf(line, sizeof line, "tftpboot %x %s", LOADED, name);
    command(board, line);
    snprintf(line, sizeof line, "Bytes transferred = %u", bytes);
    dialogue_expect(board, line);
    flash_write(board, flash, bytes);
}

/* The demo's image and its INPUT as U-Boot wants them, and U-Boot as QEMU's -bios wants it. */
static void prepare(void)
{
    char elf[256], *output;

    board_image_path(elf, sizeof elf, "demo", NULL);
    cr_assert_eq(
        host_run(&output,
                 "mkdir -p " FOLDER " && INPUT=" INPUT
                 " OBJCOPY=mipsel-linux-gnu-objcopy boards/malta/flash/uimage.sh %s " FOLDER
                 "/demo.uimage 2>&1 && mipsel-linux-gnu-objcopy -I binary -O binary "
                 "--reverse-bytes=4 " U_BOOT " " FOLDER "/u-boot.bios 2>&1",
                 elf),
        0, "%s", output);
}

Test(malta_u_boot, flashes_the_demo_and_boots_it_from_flash, .timeout = 200)
{
    struct dialogue board;
    char *digest, line[200];
    const char *rest;

    if (strcmp(board_arch(), "mipsel") != 0)
        cr_skip_test("Debian has no U-Boot for a big-endian Malta");
    if (host_run(&digest, "test -r " U_BOOT " && command -v mkimage") != 0)
        cr_skip_test("u-boot-qemu or u-boot-tools is not installed");
    prepare();
    dialogue_start(&board, "exec timeout 180 qemu-system-mipsel -M malta -cpu 24Kf -m 256 "
                           "-display none -serial stdio -monitor none "
                           "-semihosting-config enable=on,target=native "
                           "-nic user,model=pcnet,tftp=" FOLDER " -bios " FOLDER "/u-boot.bios");
    command(&board, "setenv ipaddr 10.0.2.15; setenv serverip 10.0.2.2");
    load_and_write(&board, "demo.uimage", FLASH_PROGRAM);
    load_and_write(&board, "demo-input.uimage", FLASH_INPUT);

    command_expect(&board, "reset", "U-Boot 20"); /* RAM is forgotten; the flash is not */
    command(&board, "mw.b 80100000 0 200000; mw.b 81000000 0 200000");
    command(&board, "setenv bootargs passes=2 exit=semihosting");
    snprintf(line, sizeof line, "bootm %x %x", FLASH_PROGRAM, FLASH_INPUT);
    command_expect(&board, line, "Verifying Checksum ... OK");

    dialogue_expect(&board, "weft demo: ");
    cr_assert_eq(host_run(&digest, "sha256sum " INPUT " | cut -d' ' -f1 | tr -d '\\n'"), 0);
    snprintf(line, sizeof line, "demo: sha256=%s\n", digest);
    dialogue_expect(&board, line);
    rest = dialogue_expect(&board, "demo: round trip ok");
    assert_contains(rest, "demo: compressed=");
    cr_assert_eq(dialogue_end(&board), 0);
}
