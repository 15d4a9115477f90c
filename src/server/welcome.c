/* SPDX-License-Identifier: Apache-2.0 */
#include "server/welcome.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/api_key.h"
#include "server/config.h"

static int key_from_file(const char *path, char ret_key[WELCOME_KEY_SIZE], struct err *err)
{
    FILE *f = fopen(path, "re");
    size_t len;

    if (f == NULL) {
        return err_set(err, -E_NOT_FOUND, "The key file %s cannot be read: %s.", path,
                       strerror(errno));
    }
    if (fgets(ret_key, WELCOME_KEY_SIZE, f) == NULL) {
        ret_key[0] = '\0';
    }
    (void)fclose(f);
    len = strcspn(ret_key, "\r\n");
    ret_key[len] = '\0';
    return 0;
}

static int key_check(const char *key, const char *from, struct err *err)
{
    if (!api_key_valid(str_from(key))) {
        return err_set(err, -E_CONFIG,
                       "The admin key from %s must be 32 to 128 printable characters.", from);
    }
    return 0;
}

static void dev_key_path(const struct config *c, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/dev.key", c->data);
}

int welcome_key(const struct config *c, char ret_key[WELCOME_KEY_SIZE], bool *ret_is_made,
                struct err *err)
{
    char path[4200];
    int rc;

    *ret_is_made = false;
    if (c->admin_key[0] != '\0') {
        (void)snprintf(ret_key, WELCOME_KEY_SIZE, "%s", c->admin_key);
        return key_check(ret_key, "POSTERN_ADMIN_KEY", err);
    }
    if (c->admin_key_file[0] != '\0') {
        rc = key_from_file(c->admin_key_file, ret_key, err);
        return rc != 0 ? rc : key_check(ret_key, c->admin_key_file, err);
    }
    dev_key_path(c, path, sizeof(path));
    if (c->dev && key_from_file(path, ret_key, NULL) == 0 && api_key_valid(str_from(ret_key))) {
        return 0;
    }
    api_key_make(ret_key);
    *ret_is_made = true;
    return 0;
}

int welcome_keep(const struct config *c, const char *key, struct err *err)
{
    char path[4200];
    char line[WELCOME_KEY_SIZE + 1];
    int len;
    int fd;

    dev_key_path(c, path, sizeof(path));
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set(err, -E_IO, "%s cannot be written: %s.", path, strerror(errno));
    }
    len = snprintf(line, sizeof(line), "%s\n", key);
    if (fchmod(fd, 0600) != 0 || write(fd, line, (size_t)len) != len) {
        (void)close(fd);
        return err_set(err, -E_IO, "%s cannot be written: %s.", path, strerror(errno));
    }
    (void)close(fd);
    return 0;
}

void welcome_print_key(const char *key)
{
    (void)printf("\nYour admin key, shown this once; keep it safe:\n\n    %s\n\n", key);
    (void)fflush(stdout);
}

void welcome_print_dev(const struct config *c, struct str url)
{
    (void)printf(
        "Postern runs at %.*s (development: http and loopback endpoints are allowed).\n\n"
        "1. Make an endpoint that points at the built-in test inbox:\n\n"
        "curl -sS %.*s/api/v1/apps/default/endpoints -H \"Authorization: Bearer $(cat "
        "%s/dev.key)\" "
        "-H 'Content-Type: application/json' -d '{\"url\":\"%.*s/catch/first-inbox\"}'\n\n"
        "2. Publish an event:\n\n"
        "curl -sS %.*s/api/v1/apps/default/events -H \"Authorization: Bearer $(cat "
        "%s/dev.key)\" "
        "-H 'Content-Type: application/json' -d "
        "'{\"type\":\"user.created\",\"data\":{\"name\":\"Ada\"}}'\n\n"
        "3. See what the inbox received, and whether its signature is right:\n\n"
        "curl -sS %.*s/catch/first-inbox\n\n"
        "The dashboard: %.*s/dashboard (the key is in %s/dev.key). The docs: %.*s/docs\n\n",
        STR_ARG(url), STR_ARG(url), c->data, STR_ARG(url), STR_ARG(url), c->data, STR_ARG(url),
        STR_ARG(url), c->data, STR_ARG(url));
    (void)fflush(stdout);
}
