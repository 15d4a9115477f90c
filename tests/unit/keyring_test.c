/* SPDX-License-Identifier: Apache-2.0 */
/* The key file (modes, content, absence), boxes (tampering, other rows), keyed hashes, SHA-256. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <sys/stat.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/keyring.h"

static const char known_file[] =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

static char folder[64];
static char path[96];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/keyring_test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/postern.key", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left in it */
    return 0;
}

static void write_file(const char *text, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static struct keyring *open_known(void)
{
    struct keyring *k = NULL;
    struct err err = { 0 };

    write_file(known_file, strlen(known_file), 0600);
    assert_int_equal(keyring_open(path, false, &k, &err), 0);
    return k;
}

static void hex_of(const unsigned char *bytes, char ret_hex[65])
{
    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(ret_hex + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void absent_file_is_made_once(void **state)
{
    struct keyring *first = NULL;
    struct keyring *second = NULL;
    struct err err = { 0 };
    struct stat st;
    unsigned char a[KEYRING_CHECK_SIZE];
    unsigned char b[KEYRING_CHECK_SIZE];

    (void)state;
    assert_int_equal(keyring_open(path, false, &first, &err), -E_NOT_FOUND);
    assert_null(first);
    assert_int_equal(keyring_open(path, true, &first, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 65);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(keyring_open(path, true, &second, &err), 0);
    keyring_check(first, a);
    keyring_check(second, b);
    assert_memory_equal(a, b, sizeof(a));
    keyring_free(first);
    keyring_free(second);
}

static void *open_racing(void *arg)
{
    unsigned char *check = arg;
    struct keyring *k = NULL;
    struct err err = { 0 };

    if (keyring_open(path, true, &k, &err) == 0) {
        keyring_check(k, check);
        keyring_free(k);
    }
    return NULL;
}

static void of_many_makers_one_wins(void **state)
{
    enum { MAKERS = 8 };
    pthread_t threads[MAKERS];
    unsigned char checks[MAKERS][KEYRING_CHECK_SIZE] = { 0 };
    static const unsigned char none[KEYRING_CHECK_SIZE];

    (void)state;
    for (int i = 0; i < MAKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, open_racing, checks[i]), 0);
    }
    for (int i = 0; i < MAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < MAKERS; i++) {
        assert_memory_equal(checks[i], checks[0], KEYRING_CHECK_SIZE);
        assert_memory_not_equal(checks[i], none, KEYRING_CHECK_SIZE);
    }
}

static void files_that_others_can_read_are_refused(void **state)
{
    static const mode_t modes[] = { 0604, 0640, 0602, 0620, 0644, 0666, 0601, 0610 };
    struct keyring *k = NULL;
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        write_file(known_file, strlen(known_file), modes[i]);
        assert_int_equal(keyring_open(path, true, &k, &err), -E_CONFIG);
        assert_null(k);
        assert_non_null(strstr(err.text, "chmod 600"));
    }
    write_file(known_file, strlen(known_file), 0400);
    assert_int_equal(keyring_open(path, false, &k, &err), 0);
    keyring_free(k);
}

static void damaged_files_are_refused_and_kept(void **state)
{
    static const char *const rows[] = {
        "",
        "\n",
        "00",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1\n",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00\n",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g\n",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\n",
        " 00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct keyring *k = NULL;
        struct err err = { 0 };
        int fd;

        write_file(rows[i], strlen(rows[i]), 0600);
        assert_int_equal(keyring_open(path, true, &k, &err), -E_CONFIG);
        assert_null(k);
        assert_null(strstr(err.text, "00010203"));
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, text, sizeof(text)), (ssize_t)strlen(rows[i]));
        assert_memory_equal(text, rows[i], strlen(rows[i]));
        assert_int_equal(close(fd), 0);
    }
}

static void folders_and_missing_folders_are_refused(void **state)
{
    struct keyring *k = NULL;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(keyring_open(folder, true, &k, &err), -E_CONFIG);
    assert_int_equal(keyring_open("/nonexistent/postern.key", true, &k, &err), -E_IO);
    assert_null(k);
}

/* Expected values computed with Python's hashlib.blake2b (key, salt = number, person = context). */
static void sub_keys_are_the_documented_ones(void **state)
{
    struct keyring *k = open_known();
    unsigned char bytes[32];
    char hex[65];

    (void)state;
    keyring_check(k, bytes);
    hex_of(bytes, hex);
    assert_string_equal(hex,
                        "73ba85cfc3965fe8f0daef6ede66c32821242dc03283f2d94efe21114e87ca3a");
    keyring_hash(k, STR("key"), STR("pst_x"), bytes);
    hex_of(bytes, hex);
    assert_string_equal(hex,
                        "43bc2d50955fac6c5bd472978a776ec963a48ca05c6f2cda63c41ac9c0ad5ae7");
    keyring_free(k);
}

static void hashes_keep_domain_and_bytes_apart(void **state)
{
    struct keyring *k = open_known();
    unsigned char a[32];
    unsigned char b[32];

    (void)state;
    keyring_hash(k, STR("ab"), STR("c"), a);
    keyring_hash(k, STR("a"), STR("bc"), b);
    assert_memory_not_equal(a, b, 32);
    keyring_hash(k, STR(""), STR("abc"), b);
    assert_memory_not_equal(a, b, 32);
    keyring_hash(k, STR("ab"), STR("c"), b);
    assert_true(crypto_equal(a, b, 32));
    b[31] ^= 1;
    assert_false(crypto_equal(a, b, 32));
    keyring_free(k);
}

static void boxes_give_back_what_went_in(void **state)
{
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, 262144 };
    struct keyring *k = open_known();
    struct buf sealed;
    struct buf plain;
    char *bytes = malloc(262144);

    (void)state;
    memset(bytes, 'p', 262144);
    buf_init(&sealed, 300000);
    buf_init(&plain, 300000);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct str in = { bytes, sizes[i] };

        buf_clear(&sealed);
        buf_clear(&plain);
        assert_int_equal(box_seal(k, STR("endpoint:42"), in, &sealed), 0);
        assert_int_equal(sealed.len, sizes[i] + BOX_OVERHEAD);
        assert_int_equal(sealed.p[0], 1);
        assert_int_equal(box_open(k, STR("endpoint:42"), buf_str(&sealed), &plain), 0);
        assert_true(str_eq(buf_str(&plain), in));
    }
    buf_done(&sealed);
    buf_done(&plain);
    free(bytes);
    keyring_free(k);
}

static void equal_secrets_look_different(void **state)
{
    struct keyring *k = open_known();
    struct buf a;
    struct buf b;

    (void)state;
    buf_init(&a, 1000);
    buf_init(&b, 1000);
    assert_int_equal(box_seal(k, STR("endpoint:1"), STR("secret"), &a), 0);
    assert_int_equal(box_seal(k, STR("endpoint:1"), STR("secret"), &b), 0);
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    buf_done(&a);
    buf_done(&b);
    keyring_free(k);
}

static void swapped_rows_do_not_open(void **state)
{
    struct keyring *k = open_known();
    struct buf first;
    struct buf second;
    struct buf plain;

    (void)state;
    buf_init(&first, 1000);
    buf_init(&second, 1000);
    buf_init(&plain, 1000);
    assert_int_equal(box_seal(k, STR("endpoint:1"), STR("secret of 1"), &first), 0);
    assert_int_equal(box_seal(k, STR("endpoint:2"), STR("secret of 2"), &second), 0);
    assert_int_equal(box_open(k, STR("endpoint:1"), buf_str(&second), &plain), -E_INTERNAL);
    assert_int_equal(box_open(k, STR("endpoint:2"), buf_str(&first), &plain), -E_INTERNAL);
    assert_int_equal(box_open(k, STR("app:1"), buf_str(&first), &plain), -E_INTERNAL);
    assert_int_equal(plain.len, 0);
    assert_int_equal(box_open(k, STR("endpoint:1"), buf_str(&first), &plain), 0);
    assert_true(str_eq(buf_str(&plain), STR("secret of 1")));
    buf_done(&first);
    buf_done(&second);
    buf_done(&plain);
    keyring_free(k);
}

static void every_changed_bit_and_every_cut_is_found(void **state)
{
    struct keyring *k = open_known();
    struct buf sealed;
    struct buf plain;

    (void)state;
    buf_init(&sealed, 1000);
    buf_init(&plain, 1000);
    assert_int_equal(box_seal(k, STR("x"), STR("a secret"), &sealed), 0);
    for (size_t i = 0; i < sealed.len * 8; i++) {
        sealed.p[i / 8] = (char)(sealed.p[i / 8] ^ (1 << (i % 8)));
        assert_int_equal(box_open(k, STR("x"), buf_str(&sealed), &plain), -E_INTERNAL);
        assert_int_equal(plain.len, 0);
        sealed.p[i / 8] = (char)(sealed.p[i / 8] ^ (1 << (i % 8)));
    }
    for (size_t len = 0; len < sealed.len; len++) {
        assert_int_equal(box_open(k, STR("x"), (struct str){ sealed.p, len }, &plain),
                         -E_INTERNAL);
    }
    assert_int_equal(box_open(k, STR("x"), buf_str(&sealed), &plain), 0);
    buf_done(&sealed);
    buf_done(&plain);
    keyring_free(k);
}

static void another_key_file_does_not_open(void **state)
{
    struct keyring *k = open_known();
    struct keyring *other = NULL;
    struct buf sealed;
    struct buf plain;
    struct err err = { 0 };

    (void)state;
    buf_init(&sealed, 1000);
    buf_init(&plain, 1000);
    assert_int_equal(box_seal(k, STR("x"), STR("a secret"), &sealed), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(keyring_open(path, true, &other, &err), 0);
    assert_int_equal(box_open(other, STR("x"), buf_str(&sealed), &plain), -E_INTERNAL);
    buf_done(&sealed);
    buf_done(&plain);
    keyring_free(k);
    keyring_free(other);
}

static void full_buffers_are_told(void **state)
{
    struct keyring *k = open_known();
    struct buf sealed;
    struct buf small;

    (void)state;
    buf_init(&sealed, 100);
    buf_init(&small, 3);
    assert_int_equal(box_seal(k, STR("x"), STR("four"), &small), -E_TOO_LARGE);
    assert_int_equal(box_seal(k, STR("x"), STR("four"), &sealed), 0);
    assert_int_equal(box_open(k, STR("x"), buf_str(&sealed), &small), -E_TOO_LARGE);
    buf_done(&sealed);
    buf_done(&small);
    keyring_free(k);
}

static void sha256_is_the_known_one(void **state)
{
    static const struct {
        const char *text;
        const char *hex;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    unsigned char hash[32];
    char hex[65];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sha256(str_from(rows[i].text), hash);
        hex_of(hash, hex);
        assert_string_equal(hex, rows[i].hex);
    }
    sha256(STR_NONE, hash);
    hex_of(hash, hex);
    assert_string_equal(hex, rows[0].hex);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(absent_file_is_made_once),
        IN_FOLDER(of_many_makers_one_wins),
        IN_FOLDER(files_that_others_can_read_are_refused),
        IN_FOLDER(damaged_files_are_refused_and_kept),
        IN_FOLDER(folders_and_missing_folders_are_refused),
        IN_FOLDER(sub_keys_are_the_documented_ones),
        IN_FOLDER(hashes_keep_domain_and_bytes_apart),
        IN_FOLDER(boxes_give_back_what_went_in),
        IN_FOLDER(equal_secrets_look_different),
        IN_FOLDER(swapped_rows_do_not_open),
        IN_FOLDER(every_changed_bit_and_every_cut_is_found),
        IN_FOLDER(another_key_file_does_not_open),
        IN_FOLDER(full_buffers_are_told),
        cmocka_unit_test(sha256_is_the_known_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
