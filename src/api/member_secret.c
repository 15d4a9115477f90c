/* SPDX-License-Identifier: Apache-2.0 */
/* member_secret.c - passwords and invitations of members: hashed, sealed, compared. */
#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/members.h"
#include "api/object.h"
#include "api/problem.h"
#include "base/assert.h"
#include "base/base62.h"
#include "base/random.h"
#include "crypto/keyring.h"

enum { MEMBER_CONFIG_MAX = 4096, MEMBER_SEALED_MAX = 1024 };
enum { INVITE_PREFIX = 4, ID_DIGITS = 22, INVITE_BYTES = 32, INVITE_DIGITS = 43 };

/* --- what is sealed */
static void read_text(const struct json *v, char *ret, size_t size)
{
    struct str text = v == NULL ? STR_NONE : json_string(v);

    if (text.p != NULL && text.len < size) {
        memcpy(ret, text.p, text.len);
        ret[text.len] = '\0';
    }
}

int member_unseal(struct call *call, const struct member *member,
                  struct member_secrets *ret_secrets)
{
    struct member_secrets secrets = { .invite_expires_at = 0 };
    const struct json *invite;
    struct json_doc *doc;
    struct buf plain;
    int rc;

    buf_init(&plain, MEMBER_SEALED_MAX);
    rc = registry_unseal(call->api->options.registry, &member->object, &plain);
    if (rc == 0) {
        rc = json_parse(buf_str(&plain), JSON_DEPTH_MAX, &doc, NULL);
    }
    if (rc == 0) {
        read_text(json_member(json_root(doc), "password"), secrets.password,
                  sizeof(secrets.password));
        invite = json_member(json_root(doc), "invite");
        read_text(invite == NULL ? NULL : json_member(invite, "hash"), secrets.invite,
                  sizeof(secrets.invite));
        if (invite != NULL) {
            rc = json_int(json_member(invite, "expires_at"), 0, INT64_MAX,
                          &secrets.invite_expires_at);
        }
        json_doc_free(doc);
    }
    if (plain.cap > 0) {
        explicit_bzero(plain.p, plain.cap);
    }
    buf_done(&plain);
    if (rc == 0) {
        *ret_secrets = secrets;
    }
    return rc;
}

static int seal(struct call *call, int64_t no, const struct member_secrets *secrets,
                struct buf *ret_sealed)
{
    struct json_out o;
    struct buf plain;
    int rc;

    buf_init(&plain, MEMBER_SEALED_MAX);
    json_out_begin(&o, &plain);
    json_out_object(&o);
    if (secrets->password[0] != '\0') {
        json_put_c(&o, "password", secrets->password);
    }
    if (secrets->invite[0] != '\0') {
        json_out_name(&o, "invite");
        json_out_object(&o);
        json_put_c(&o, "hash", secrets->invite);
        json_put_int(&o, "expires_at", secrets->invite_expires_at);
        json_out_object_end(&o);
    }
    json_out_object_end(&o);
    rc = json_out_end(&o);
    if (rc == 0) {
        rc = registry_seal(call->api->options.registry, CONFIG_MEMBER, no, buf_str(&plain),
                           ret_sealed);
    }
    if (plain.cap > 0) {
        explicit_bzero(plain.p, plain.cap);
    }
    buf_done(&plain);
    return rc;
}

int member_draft_of(struct call *call, const struct member *member,
                    struct member_draft *ret_draft)
{
    struct member_secrets secrets;
    int rc = member_unseal(call, member, &secrets);

    if (rc == 0) {
        *ret_draft = (struct member_draft){ .email = member->object.slug,
                                            .name = member->name,
                                            .role = member->role,
                                            .valid_from = member->valid_from,
                                            .secrets = secrets };
    }
    return rc;
}

static int write_config(struct call *call, const struct member_draft *draft)
{
    struct json_out o;

    buf_done(&call->bytes);
    buf_init(&call->bytes, MEMBER_CONFIG_MAX);
    json_out_begin(&o, &call->bytes);
    json_out_object(&o);
    json_put_str(&o, "name", draft->name);
    json_put_c(&o, "role", role_name(draft->role));
    json_put_int(&o, "valid_from", draft->valid_from);
    json_put_bool(&o, "has_password", draft->secrets.password[0] != '\0');
    if (draft->secrets.invite[0] != '\0') {
        json_put_int(&o, "invite_expires_at", draft->secrets.invite_expires_at);
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}

void member_save(struct call *call, const struct member *member,
                 const struct member_draft *draft,
                 void (*saved)(struct call *call, struct object *object))
{
    struct config_row row = member == NULL
                                ? object_row_new(call, CONFIG_MEMBER, call->project->object.no)
                                : object_row_next(call, &member->object);
    struct buf sealed;
    int rc;

    buf_init(&sealed, MEMBER_SEALED_MAX + BOX_OVERHEAD);
    rc = write_config(call, draft);
    if (rc == 0) {
        rc = seal(call, row.no, &draft->secrets, &sealed);
    }
    if (rc != 0) {
        problem_reply(call, rc);
    } else {
        row.id = member == NULL ? draft->id : row.id;
        row.slug = draft->email;
        row.config = buf_str(&call->bytes);
        row.sealed = buf_str(&sealed);
        object_save(call, CONFIG_MEMBER, &row, saved);
    }
    buf_done(&sealed);
}

/* --- invitations: pin_ + the member's 22 digits + 43 digits at random */
static void invite_hash(struct call *call, struct str token, char ret_hash[INVITE_HASH_SIZE])
{
    unsigned char hash[KEYRING_HASH_SIZE];

    keyring_hash(call->api->options.keyring, STR("invite"), token, hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        (void)snprintf(ret_hash + 2 * i, 3, "%02x", hash[i]);
    }
}

void member_invite(struct call *call, const struct id *id, struct member_secrets *secrets,
                   char ret_token[INVITE_TOKEN_SIZE])
{
    unsigned char bytes[INVITE_BYTES];
    char text[ID_TEXT_SIZE];

    id_format(ID_MEMBER, id, text);
    random_bytes(bytes, sizeof(bytes));
    (void)snprintf(ret_token, INVITE_TOKEN_SIZE, "pin_%s", text + INVITE_PREFIX);
    base62_encode(bytes, sizeof(bytes), ret_token + INVITE_PREFIX + ID_DIGITS, INVITE_DIGITS);
    ret_token[INVITE_TOKEN_SIZE - 1] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
    invite_hash(call, str_from(ret_token), secrets->invite);
    secrets->invite_expires_at = call->now + MEMBER_INVITE_HOURS * 3600000LL;
}

struct member *member_of_invite(struct call *call, struct str token)
{
    const struct registry *registry = call->api->options.registry;
    struct member_secrets secrets;
    struct object *o;
    struct id id;
    struct str named;
    char hash[INVITE_HASH_SIZE];

    if (token.len != INVITE_TOKEN_SIZE - 1 || !str_starts(token, STR("pin_"))) {
        return NULL;
    }
    named = arena_printf(call->arena, "mbr_%.*s", ID_DIGITS, token.p + INVITE_PREFIX);
    if (id_parse(ID_MEMBER, named, &id) != 0) {
        return NULL;
    }
    for (size_t i = 0; (o = registry_at(registry, CONFIG_MEMBER, i)) != NULL; i++) {
        struct member *m = (struct member *)(void *)o;

        if (o->deleted_at == 0 && m->project->object.deleted_at == 0 && id_eq(&o->id, &id)) {
            invite_hash(call, token, hash);
            return member_unseal(call, m, &secrets) == 0 && secrets.invite[0] != '\0' &&
                           secrets.invite_expires_at > call->now &&
                           crypto_equal(secrets.invite, hash, sizeof(hash))
                       ? m
                       : NULL;
        }
    }
    return NULL;
}

/* --- hashing */
static void on_hashed(struct hash_job *job)
{
    struct member_hash *hash = CONTAINER_OF(job, struct member_hash, job);

    if (job->result != 0) {
        problem_reply(hash->call, job->result);
        return;
    }
    hash->done(hash->call, hash);
}

void member_hash(struct call *call, struct str password, const char *against,
                 void (*done)(struct call *call, struct member_hash *hash))
{
    struct member_hash *hash = arena_alloc(call->arena, sizeof(*hash));
    int rc;

    ASSERT(password.len <= PASSWORD_MAX);
    memcpy(hash->job.password, password.p, password.len);
    hash->job.password_len = password.len;
    hash->job.make = against == NULL;
    hash->job.on_done = on_hashed;
    if (against != NULL) {
        (void)snprintf(hash->job.hash, sizeof(hash->job.hash), "%s", against);
    }
    hash->call = call;
    hash->done = done;
    rc = hasher_submit(call->api->options.hasher, &hash->job);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

bool member_password_field(struct form *f, const char *name, struct str *ret_password)
{
    return form_string(f, name, true, PASSWORD_MIN, PASSWORD_MAX, ret_password);
}
