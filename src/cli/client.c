/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/table.h"
#include "crypto/api_key.h"
#include "json/json.h"

enum { URL_MAX = 1024, KEY_LINE_MAX = 1024, HEADER_MAX = 512, PROBLEM_MAX = 16 * 1024 };

static const char default_url[] = "http://127.0.0.1:8080";
static const char dev_key_path[] = "./var/dev.key";

struct client {
    const struct cli *cli;
    bool is_quiet;
    CURL *curl;
    char url[URL_MAX];
    char key[API_KEY_MAX + 1];
    char curl_error[CURL_ERROR_SIZE];
};

static const struct arg_spec specs[] = {
    { "server", ARG_TEXT, 0, "URL", "the server (POSTERN_URL, http://127.0.0.1:8080)", 0, 0 },
    { "key-file", ARG_TEXT, 0, "FILE", "file with the key, - for stdin (POSTERN_KEY)", 0, 0 },
    { "ca-file", ARG_TEXT, 0, "FILE", "certificate authorities for https", 0, 0 },
    { "plain-http", ARG_SWITCH, 0, NULL, "send the key also over http to another machine", 0,
      0 },
};

const struct arg_table client_flags = { specs, sizeof(specs) / sizeof(specs[0]) };

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.' || c == '~';
}

static int add_escaped(struct buf *out, struct str s)
{
    int rc = 0;

    for (size_t i = 0; i < s.len && rc == 0; i++) {
        rc = is_unreserved(s.p[i]) ? buf_add_char(out, s.p[i])
                                   : buf_printf(out, "%%%02X", (unsigned)(unsigned char)s.p[i]);
    }
    return rc;
}

int path_add(struct buf *path, struct str segment)
{
    int rc = buf_add_char(path, '/');

    /* A segment of dots would be taken out of the path on its way. */
    if (rc == 0 && (str_eq_c(segment, ".") || str_eq_c(segment, "..") || segment.len == 0)) {
        return -E_INVALID;
    }
    return rc != 0 ? rc : add_escaped(path, segment);
}

int path_query(struct buf *path, const char *name, struct str value)
{
    bool has_query = str_find(buf_str(path), '?') < path->len;
    int rc = buf_printf(path, "%c%s=", has_query ? '&' : '?', name);

    return rc != 0 ? rc : add_escaped(path, value);
}

/* The host of scheme://HOST[:PORT][/...], brackets kept. */
static struct str url_host(const char *url)
{
    const char *start = strstr(url, "://");
    struct str rest = str_from(start == NULL ? url : start + 3);

    rest = str_sub(rest, 0, str_find(rest, '/'));
    if (rest.len > 0 && rest.p[0] == '[') {
        return str_sub(rest, 0, str_find(rest, ']') + 1);
    }
    return str_sub(rest, 0, str_find(rest, ':'));
}

bool url_is_loopback(const char *url)
{
    struct str host = url_host(url);
    int64_t part = 0;
    struct str octet;
    size_t octets = 0;

    if (str_eq_nocase(host, STR("localhost")) || str_eq_c(host, "[::1]")) {
        return true;
    }
    if (!str_starts(host, STR("127."))) {
        return false;
    }
    while (str_split(&host, '.', &octet)) {
        octets++;
        if (str_to_int(octet, 0, 255, &part) != 0) {
            return false;
        }
    }
    return octets == 4;
}

/* cli_fail, unless this client is a quiet one. */
static int fail(const struct client *c, enum exit_code code, const char *what, const char *why,
                const char *next)
{
    return c->is_quiet ? (int)code : cli_fail(c->cli, code, what, why, next);
}

static int read_url(struct client *c, const struct args *args)
{
    const char *environment = cli_env("POSTERN_URL");
    const char *url =
        args_text(args, "server", environment != NULL ? environment : default_url);
    size_t len = strlen(url);
    bool is_https = strncasecmp(url, "https://", 8) == 0;

    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    if ((strncasecmp(url, "http://", 7) != 0 && !is_https) || len >= URL_MAX ||
        url_host(url).len == 0 || strpbrk(url, "@?# \t\r\n") != NULL) {
        return fail(c, EXIT_USAGE, "the server must be http://HOST[:PORT] or https://", url,
                    "--server http://127.0.0.1:8080, or set POSTERN_URL");
    }
    memcpy(c->url, url, len);
    if (!is_https && !url_is_loopback(url) && !args_on(args, "plain-http")) {
        return fail(c, EXIT_USAGE, "the key would travel in clear to another machine", url,
                    "use https://, or --plain-http in a network that you trust");
    }
    return EXIT_OK;
}

static int take_key(struct client *c, struct str key, const char *from)
{
    if (!api_key_valid(key)) {
        return fail(c, EXIT_AUTH, "this is not a key of Postern", from,
                    "look for a missing character; keys read pst_ and 38 more");
    }
    memcpy(c->key, key.p, key.len);
    c->key[key.len] = '\0';
    return EXIT_OK;
}

static int read_key_file(struct client *c, const char *path)
{
    struct err err = { 0 };
    struct buf line;
    int rc;
    int code;

    buf_init(&line, KEY_LINE_MAX);
    rc = cli_read_line(path, &line, &err);
    code = rc == 0 ? take_key(c, buf_str(&line), path)
                   : fail(c, EXIT_AUTH, "the key cannot be read", err.text,
                          "--key-file FILE, or set POSTERN_KEY");
    if (line.cap > 0) {
        explicit_bzero(line.p, line.cap);
    }
    buf_done(&line);
    return code;
}

static int read_key(struct client *c, const struct args *args)
{
    const char *environment = cli_env("POSTERN_KEY");

    if (args_given(args, "key-file")) {
        return read_key_file(c, args_text(args, "key-file", ""));
    }
    if (environment != NULL) {
        return take_key(c, str_from(environment), "POSTERN_KEY");
    }
    if (url_is_loopback(c->url) && access(dev_key_path, R_OK) == 0) {
        return read_key_file(c, dev_key_path);
    }
    return fail(c, EXIT_AUTH, "there is no key", NULL,
                "set POSTERN_KEY, or give --key-file FILE");
}

static void setup(struct client *c, const struct args *args)
{
    CURL *curl = c->curl;

    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CLIENT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "postern-cli/" POSTERN_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->curl_error);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    if (url_is_loopback(c->url)) {
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    if (args_given(args, "ca-file")) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, args_text(args, "ca-file", ""));
    }
}

static int open_client(struct client *c, const struct args *args, struct client **ret_client)
{
    int code = read_url(c, args);

    if (code == EXIT_OK) {
        code = read_key(c, args);
        /* Without any key a quiet client still sees whether the server is alive. */
        code = c->is_quiet ? EXIT_OK : code;
    }
    if (code == EXIT_OK && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        c->curl = curl_easy_init();
    }
    if (code == EXIT_OK && c->curl == NULL) {
        code = fail(c, EXIT_ERROR, "libcurl does not start", NULL, NULL);
    }
    if (code != EXIT_OK) {
        client_close(c);
        return code;
    }
    setup(c, args);
    *ret_client = c;
    return EXIT_OK;
}

int client_open(const struct cli *cli, const struct args *args, struct client **ret_client)
{
    struct client *c = xalloc(sizeof(*c));

    c->cli = cli;
    return open_client(c, args, ret_client);
}

int client_open_quiet(const struct cli *cli, const struct args *args,
                      struct client **ret_client)
{
    struct client *c = xalloc(sizeof(*c));

    c->cli = cli;
    c->is_quiet = true;
    return open_client(c, args, ret_client);
}

bool client_has_key(const struct client *c)
{
    return c->key[0] != '\0';
}

void client_close(struct client *c)
{
    if (c == NULL) {
        return;
    }
    curl_easy_cleanup(c->curl);
    explicit_bzero(c->key, sizeof(c->key));
    free(c);
}

const char *client_url(const struct client *c)
{
    return c->url;
}

void client_copy_key(const struct client *c, char *ret_key, size_t size)
{
    (void)snprintf(ret_key, size, "%s", c->key);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct client_answer *answer = ctx;

    return buf_add(&answer->body, bytes, size * count) == 0 ? size * count : 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's. */
static size_t on_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct client_answer *answer = ctx;
    struct str line = { bytes, size * count };
    struct str name = STR("etag:");

    if (str_eq_nocase(str_sub(line, 0, name.len), name)) {
        struct str value = str_trim(str_sub(line, name.len, line.len));

        while (value.len > 0 &&
               (value.p[value.len - 1] == '\r' || value.p[value.len - 1] == '\n')) {
            value.len--;
        }
        if (value.len < sizeof(answer->etag)) {
            memcpy(answer->etag, value.p, value.len);
            answer->etag[value.len] = '\0';
        }
    }
    return size * count;
}

/* NULL when there is no more memory: then the whole list is gone. */
static struct curl_slist *add_header(struct curl_slist *list, const char *name,
                                     const char *value)
{
    char line[HEADER_MAX];
    struct curl_slist *longer;

    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    longer = curl_slist_append(list, line);
    if (longer == NULL) {
        curl_slist_free_all(list);
    }
    return longer;
}

static struct curl_slist *make_headers(const struct client *c,
                                       const struct client_request *request)
{
    char bearer[API_KEY_MAX + 16];
    struct curl_slist *list;

    list = add_header(NULL, "Accept", "application/json");
    if (list != NULL && client_has_key(c)) {
        (void)snprintf(bearer, sizeof(bearer), "Bearer %s", c->key);
        list = add_header(list, "Authorization", bearer);
        explicit_bzero(bearer, sizeof(bearer));
    }
    /* Without this libcurl waits a second for a 100 that a small body does not need. */
    if (list != NULL) {
        list = add_header(list, "Expect", "");
    }
    if (list != NULL && request->body.p != NULL) {
        list = add_header(list, "Content-Type", "application/json");
    }
    if (list != NULL && request->idempotency_key != NULL) {
        list = add_header(list, "Idempotency-Key", request->idempotency_key);
    }
    if (list != NULL && request->if_match != NULL) {
        list = add_header(list, "If-Match", request->if_match);
    }
    return list;
}

static int unreachable(const struct client *c, CURLcode result)
{
    const char *why = c->curl_error[0] != '\0' ? c->curl_error : curl_easy_strerror(result);
    char what[URL_MAX + 64];

    (void)snprintf(what, sizeof(what), "%s cannot be reached", c->url);
    return fail(c, EXIT_UNREACHABLE, what, why,
                "postern doctor, or start it: postern serve --dev");
}

int client_send(struct client *c, const struct client_request *request,
                struct client_answer *ret_answer)
{
    struct client_answer answer = { 0 };
    struct curl_slist *headers = make_headers(c, request);
    char url[URL_MAX + CLIENT_PATH_MAX];
    CURLcode result;

    if (headers == NULL || request->path.len >= CLIENT_PATH_MAX) {
        curl_slist_free_all(headers);
        return fail(c, EXIT_INVALID, "the request is too long", NULL, NULL);
    }
    buf_init(&answer.body, CLIENT_ANSWER_MAX);
    (void)snprintf(url, sizeof(url), "%s%.*s", c->url, STR_ARG(request->path));
    c->curl_error[0] = '\0';
    (void)curl_easy_setopt(c->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    if (request->body.p != NULL || strcmp(request->method, "POST") == 0) {
        (void)curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)request->body.len);
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS,
                               request->body.p != NULL ? request->body.p : "");
    }
    (void)curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, request->method);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &answer);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &answer);
    result = curl_easy_perform(c->curl);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (result != CURLE_OK) {
        buf_done(&answer.body);
        return unreachable(c, result);
    }
    (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &answer.status);
    *ret_answer = answer;
    return EXIT_OK;
}

void client_answer_done(struct client_answer *answer)
{
    buf_done(&answer->body);
}

/* detail or title, and each field with its fault, from the problem JSON. Cleaned: it is shown on a terminal. */
static int describe(const struct json *problem, struct buf *out)
{
    const struct json *detail = json_member(problem, "detail");
    const struct json *title = json_member(problem, "title");
    const struct json *errors = json_member(problem, "errors");
    struct json_iter it;
    const struct json *fault;
    int rc = text_clean(json_string(detail != NULL ? detail : title), out);

    if (errors == NULL || json_type(errors) != JSON_ARRAY) {
        return rc;
    }
    it = json_iter(errors);
    for (fault = json_next(&it, NULL); fault != NULL && rc == 0; fault = json_next(&it, NULL)) {
        rc = buf_add_c(out, "\n  ");
        if (rc == 0) {
            rc = text_clean(json_string(json_member(fault, "pointer")), out);
        }
        if (rc == 0) {
            rc = buf_add_c(out, ": ");
        }
        if (rc == 0) {
            rc = text_clean(json_string(json_member(fault, "detail")), out);
        }
    }
    return rc;
}

static const char *next_of_status(long status)
{
    switch (status) {
    case 401:
        return "check POSTERN_KEY or --key-file; postern keys list shows the living ones";
    case 403:
        return "use a key with the scope for that: postern keys create --scopes admin";
    case 404:
        return "list what there is: postern apps list, postern endpoints list ...";
    case 429:
    case 503:
        return "wait a moment and try again; postern doctor looks deeper";
    default:
        return NULL;
    }
}

int client_check(struct client *c, const char *what, const struct client_answer *answer)
{
    struct json_doc *doc = NULL;
    struct buf why;
    struct err err = { 0 };
    char status[48];
    int rc = -E_JSON;

    if (answer->status >= 200 && answer->status <= 299) {
        return EXIT_OK;
    }
    buf_init(&why, PROBLEM_MAX);
    if (json_parse(buf_str(&answer->body), JSON_DEPTH_MAX, &doc, &err) == 0) {
        rc = describe(json_root(doc), &why);
    }
    json_doc_free(doc);
    (void)snprintf(status, sizeof(status), "the server answered %ld", answer->status);
    (void)fail(c, exit_of_status(answer->status), what,
               rc == -E_JSON || why.len == 0 ? status : why.p, next_of_status(answer->status));
    buf_done(&why);
    return (int)exit_of_status(answer->status);
}

int client_call(struct client *c, const char *what, const struct client_request *request,
                struct client_answer *ret_answer)
{
    int code = client_send(c, request, ret_answer);

    if (code != EXIT_OK) {
        return code;
    }
    code = client_check(c, what, ret_answer);
    if (code != EXIT_OK) {
        client_answer_done(ret_answer);
    }
    return code;
}

/* --- an answer without end */
struct streaming {
    struct client *client;
    bool (*on_bytes)(void *ctx, struct str bytes);
    void *ctx;
    struct client_answer refusal; /* the body of another status than 200 */
};

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's. */
static size_t on_stream(char *bytes, size_t size, size_t count, void *ctx)
{
    struct streaming *s = ctx;
    size_t len = size * count;

    (void)curl_easy_getinfo(s->client->curl, CURLINFO_RESPONSE_CODE, &s->refusal.status);
    if (s->refusal.status != 200) {
        return buf_add(&s->refusal.body, bytes, len) == 0 ? len : 0;
    }
    return s->on_bytes(s->ctx, (struct str){ bytes, len }) ? len : 0;
}

int client_stream(struct client *c, const char *what, struct str path,
                  bool (*on_bytes)(void *ctx, struct str bytes), void *ctx)
{
    struct client_request request = { .method = "GET", .path = path };
    struct streaming s = { .client = c, .on_bytes = on_bytes, .ctx = ctx };
    struct curl_slist *headers = make_headers(c, &request);
    char url[URL_MAX + CLIENT_PATH_MAX];
    CURLcode result;
    int code = EXIT_OK;

    if (headers == NULL || path.len >= CLIENT_PATH_MAX) {
        curl_slist_free_all(headers);
        return fail(c, EXIT_INVALID, "the request is too long", NULL, NULL);
    }
    buf_init(&s.refusal.body, PROBLEM_MAX);
    (void)snprintf(url, sizeof(url), "%s%.*s", c->url, STR_ARG(path));
    c->curl_error[0] = '\0';
    (void)curl_easy_setopt(c->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, request.method);
    (void)curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, 0L);
    /* The server says something every 15 seconds. */
    (void)curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, 45L);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_stream);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &s);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, NULL);
    (void)curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, NULL);
    result = curl_easy_perform(c->curl);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &s.refusal.status);
    if (s.refusal.status == 0) {
        code = unreachable(c, result);
    } else if (s.refusal.status != 200) {
        code = client_check(c, what, &s.refusal);
    }
    buf_done(&s.refusal.body);
    return code;
}
