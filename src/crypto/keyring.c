/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.c - the master key is read into guarded memory, its sub-keys are derived, and it is wiped. The file
 * is written beside its place and linked there, so a crash leaves either no key file or a whole one, and of
 * two processes that make it at once one wins and the other reads the winner's.
 */
#include "crypto/keyring.h"

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/random.h"

enum { MASTER_SIZE = 32, FILE_SIZE = MASTER_SIZE * 2 + 1, BOX_VERSION = 1 };
enum { NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };
enum { TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES };
enum subkey { SUBKEY_BOX = 1, SUBKEY_HASH = 2, SUBKEY_CHECK = 3 }; /* never change a number */

static_assert(1 + NONCE_SIZE + TAG_SIZE == BOX_OVERHEAD, "the layout of a box");
static_assert(MASTER_SIZE == crypto_kdf_KEYBYTES, "the KDF's key");

struct keyring {
    unsigned char box[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    unsigned char hash[crypto_generichash_KEYBYTES];
    unsigned char check[KEYRING_CHECK_SIZE];
};

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -E_IO;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The link itself must survive a power cut: its folder is synced too. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    int fd;
    int rc;

    ASSERT(len < sizeof(folder));
    if (slash != NULL) {
        memcpy(folder, len > 0 ? path : "/", len > 0 ? len : 1);
        folder[len > 0 ? len : 1] = '\0';
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -E_IO;
    }
    rc = fsync(fd) == 0 ? 0 : -E_IO;
    (void)close(fd);
    return rc;
}

static int write_new(const char *path)
{
    unsigned char master[MASTER_SIZE];
    char text[FILE_SIZE + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc;

    if (fd < 0) {
        return -E_IO;
    }
    random_bytes(master, sizeof(master));
    (void)sodium_bin2hex(text, sizeof(text), master, sizeof(master));
    text[FILE_SIZE - 1] = '\n';
    rc = write_all(fd, text, FILE_SIZE);
    if (rc == 0 && (fchmod(fd, 0600) != 0 || fsync(fd) != 0)) {
        rc = -E_IO;
    }
    sodium_memzero(master, sizeof(master));
    sodium_memzero(text, sizeof(text));
    (void)close(fd);
    return rc;
}

static int make_file(const char *path, struct err *err)
{
    char beside[PATH_MAX];
    int rc;

    if (snprintf(beside, sizeof(beside), "%s.%016llx", path,
                 (unsigned long long)random_u64()) >= (int)sizeof(beside)) {
        return err_set(err, -E_CONFIG, "The path of the key file is too long.");
    }
    rc = write_new(beside);
    if (rc != 0) {
        rc = err_set(err, rc, "Cannot make the key file %s: %s.", path, strerrordesc_np(errno));
        goto out;
    }
    if (link(beside, path) != 0 && errno != EEXIST) {
        rc = err_set(err, -E_IO, "Cannot make the key file %s: %s.", path,
                     strerrordesc_np(errno));
        goto out;
    }
    rc = sync_folder(path);
    if (rc != 0) {
        (void)err_set(err, rc, "Cannot sync the folder of the key file %s.", path);
    }
out:
    (void)unlink(beside);
    return rc;
}

/* Reads at most size bytes; the whole file when it is not longer. */
static int read_all(int fd, char *ret_bytes, size_t size, size_t *ret_len)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, ret_bytes + len, size - len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -E_IO;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

static int parse_master(struct str text, unsigned char ret_master[MASTER_SIZE])
{
    size_t len = 0;

    if (text.len > 0 && text.p[text.len - 1] == '\n') {
        text.len--;
    }
    if (text.len != (size_t)MASTER_SIZE * 2) {
        return -E_CONFIG;
    }
    if (sodium_hex2bin(ret_master, MASTER_SIZE, text.p, text.len, NULL, &len, NULL) != 0 ||
        len != MASTER_SIZE) {
        return -E_CONFIG;
    }
    return 0;
}

/* Opens the file and refuses one that others could have read. */
static int open_file(const char *path, int *ret_fd, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 && errno == ENOENT) {
        return err_set(err, -E_NOT_FOUND, "There is no key file %s.", path);
    }
    if (fd < 0) {
        return err_set(err, -E_IO, "Cannot open the key file %s: %s.", path,
                       strerrordesc_np(errno));
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return err_set(err, -E_CONFIG, "The key file %s is not a regular file.", path);
    }
    if ((st.st_mode & 077) != 0) {
        (void)close(fd);
        return err_set(err, -E_CONFIG,
                       "The key file %s may be read by others (mode %04o); run: chmod 600 %s",
                       path, (unsigned)(st.st_mode & 07777), path);
    }
    *ret_fd = fd;
    return 0;
}

static int read_file(const char *path, unsigned char ret_master[MASTER_SIZE], struct err *err)
{
    char text[FILE_SIZE + 1];
    size_t len = 0;
    int fd = -1;
    int rc = open_file(path, &fd, err);

    if (rc != 0) {
        return rc;
    }
    rc = read_all(fd, text, sizeof(text), &len);
    (void)close(fd);
    if (rc != 0) {
        rc = err_set(err, rc, "Cannot read the key file %s.", path);
        goto out;
    }
    rc = parse_master((struct str){ text, len }, ret_master);
    if (rc != 0) {
        rc = err_set(err, rc, "The key file %s does not hold 64 hex digits; restore it.", path);
    }
out:
    sodium_memzero(text, sizeof(text));
    return rc;
}

static void derive(struct keyring *k, const unsigned char master[MASTER_SIZE])
{
    static const char context[crypto_kdf_CONTEXTBYTES] = { 'p', 'o', 's', 't',
                                                           'e', 'r', 'n', '1' };

    (void)crypto_kdf_derive_from_key(k->box, sizeof(k->box), SUBKEY_BOX, context, master);
    (void)crypto_kdf_derive_from_key(k->hash, sizeof(k->hash), SUBKEY_HASH, context, master);
    (void)crypto_kdf_derive_from_key(k->check, sizeof(k->check), SUBKEY_CHECK, context, master);
}

int keyring_open(const char *path, bool may_create, struct keyring **ret_keyring,
                 struct err *err)
{
    unsigned char master[MASTER_SIZE];
    struct keyring *k;
    int rc;

    if (sodium_init() < 0) {
        return err_set(err, -E_INTERNAL, "libsodium does not start.");
    }
    rc = read_file(path, master, err);
    if (rc == -E_NOT_FOUND && may_create) {
        rc = make_file(path, err);
        if (rc == 0) {
            rc = read_file(path, master, err);
        }
    }
    if (rc != 0) {
        return rc;
    }
    k = sodium_malloc(sizeof(*k));
    ASSERT(k != NULL);
    derive(k, master);
    sodium_memzero(master, sizeof(master));
    (void)sodium_mprotect_readonly(k);
    *ret_keyring = k;
    return 0;
}

void keyring_free(struct keyring *k)
{
    sodium_free(k);
}

void keyring_check(const struct keyring *k, unsigned char ret_check[KEYRING_CHECK_SIZE])
{
    memcpy(ret_check, k->check, KEYRING_CHECK_SIZE);
}

int box_seal(const struct keyring *k, struct str ad, struct str plain, struct buf *ret_sealed)
{
    unsigned char *at;
    unsigned long long len = 0;
    int rc = plain.len > SIZE_MAX - BOX_OVERHEAD
                 ? -E_TOO_LARGE
                 : buf_reserve(ret_sealed, plain.len + BOX_OVERHEAD);

    if (rc != 0) {
        return rc;
    }
    at = (unsigned char *)ret_sealed->p + ret_sealed->len;
    at[0] = BOX_VERSION;
    random_bytes(at + 1, NONCE_SIZE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        at + 1 + NONCE_SIZE, &len, (const unsigned char *)plain.p, plain.len,
        (const unsigned char *)ad.p, ad.len, NULL, at + 1, k->box);
    ASSERT(len == plain.len + TAG_SIZE);
    ret_sealed->len += plain.len + BOX_OVERHEAD;
    ret_sealed->p[ret_sealed->len] = '\0';
    return 0;
}

int box_open(const struct keyring *k, struct str ad, struct str sealed, struct buf *ret_plain)
{
    const unsigned char *from = (const unsigned char *)sealed.p;
    unsigned long long len = 0;
    int rc;

    if (sealed.len < BOX_OVERHEAD || from[0] != BOX_VERSION) {
        return -E_INTERNAL;
    }
    rc = buf_reserve(ret_plain, sealed.len - BOX_OVERHEAD);
    if (rc != 0) {
        return rc;
    }
    if (sealed.len == BOX_OVERHEAD) {
        /* Nothing inside: the tag still has to be right, and a buf without memory is shared. */
        unsigned char none[1];

        rc = crypto_aead_xchacha20poly1305_ietf_decrypt(none, &len, NULL, from + 1 + NONCE_SIZE,
                                                        TAG_SIZE, (const unsigned char *)ad.p,
                                                        ad.len, from + 1, k->box);
        return rc == 0 ? 0 : -E_INTERNAL;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            (unsigned char *)ret_plain->p + ret_plain->len, &len, NULL, from + 1 + NONCE_SIZE,
            sealed.len - 1 - NONCE_SIZE, (const unsigned char *)ad.p, ad.len, from + 1,
            k->box) != 0) {
        ret_plain->p[ret_plain->len] = '\0';
        return -E_INTERNAL;
    }
    ret_plain->len += (size_t)len;
    ret_plain->p[ret_plain->len] = '\0';
    return 0;
}

void keyring_hash(const struct keyring *k, struct str domain, struct str bytes,
                  unsigned char ret_hash[KEYRING_HASH_SIZE])
{
    crypto_generichash_state state;
    uint64_t domain_len = domain.len;
    unsigned char len_bytes[8];

    /* The length in front keeps ("ab", "c") and ("a", "bc") apart. */
    for (size_t i = 0; i < sizeof(len_bytes); i++) {
        len_bytes[i] = (unsigned char)(domain_len >> (8 * i));
    }
    (void)crypto_generichash_init(&state, k->hash, sizeof(k->hash), KEYRING_HASH_SIZE);
    (void)crypto_generichash_update(&state, len_bytes, sizeof(len_bytes));
    (void)crypto_generichash_update(&state, (const unsigned char *)domain.p, domain.len);
    (void)crypto_generichash_update(&state, (const unsigned char *)bytes.p, bytes.len);
    (void)crypto_generichash_final(&state, ret_hash, KEYRING_HASH_SIZE);
    sodium_memzero(&state, sizeof(state));
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_algorithm;

static void sha256_fetch(void)
{
    sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* OpenSSL and not libsodium: it uses the processor's SHA instructions, and this runs for every publish. */
void sha256(struct str bytes, unsigned char ret_hash[32])
{
    int rc;

    (void)pthread_once(&sha256_once, sha256_fetch);
    ASSERT(sha256_algorithm != NULL);
    rc = EVP_Digest(bytes.p != NULL ? bytes.p : "", bytes.len, ret_hash, NULL, sha256_algorithm,
                    NULL);
    ASSERT(rc == 1);
}
