/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_net.c - the server as its clients see it, and an endpoint as the sender would. */
#include <sys/socket.h>

#include <curl/curl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "json/json.h"
#include "net/ipguard.h"
#include "net/url.h"
#include "server/config.h"

enum { HOST_MAX = 256, TARGET_MAX = 512, CONNECT_MS = 5000 };

/* One GET; the status, 0 when it could not be reached. */
static long ask(struct client *client, const char *path)
{
    struct client_request request = { .method = "GET", .path = str_from(path) };
    struct client_answer answer;

    if (client_send(client, &request, &answer) != EXIT_OK) {
        return 0;
    }
    client_answer_done(&answer);
    return answer.status;
}

static void check_ready(struct findings *f, struct client *client)
{
    long status = ask(client, "/readyz");

    if (status == 200) {
        finding_add(f, "ready", DOCTOR_OK, "it takes and delivers events");
    } else {
        finding_add(f, "ready", DOCTOR_WARNING,
                    "not now (%ld): it starts, drains, or its store fails", status);
    }
}

static void check_access(struct findings *f, struct client *client)
{
    long status = client_has_key(client) ? ask(client, "/api/v1/apps?limit=1") : 0;

    if (!client_has_key(client)) {
        finding_add(f, "key", DOCTOR_SKIPPED,
                    "there is no usable one: set POSTERN_KEY or --key-file");
    } else if (status == 200) {
        finding_add(f, "key", DOCTOR_OK, "accepted");
    } else if (status == 403) {
        finding_add(f, "key", DOCTOR_OK, "accepted; it may not read");
    } else {
        finding_add(f, "key", DOCTOR_FAILED, "the server answers it with %ld", status);
    }
}

void doctor_server(struct findings *f, const struct cli *cli, const struct args *args)
{
    struct client *client = NULL;
    long status;

    if (client_open_quiet(cli, args, &client) != EXIT_OK) {
        finding_add(f, "server", DOCTOR_FAILED,
                    "--server, POSTERN_URL or the key is not usable");
        return;
    }
    status = ask(client, "/healthz");
    if (status == 0) {
        finding_add(f, "server", DOCTOR_SKIPPED, "nothing answers at %s", client_url(client));
    } else if (status != 200) {
        finding_add(f, "server", DOCTOR_FAILED, "%s answers %ld to /healthz: is it Postern?",
                    client_url(client), status);
    } else {
        finding_add(f, "server", DOCTOR_OK, "%s", client_url(client));
        check_ready(f, client);
        check_access(f, client);
    }
    client_close(client);
}

/* Connects (and shakes hands) with one address that the guard lets pass; nothing is sent. */
static void check_connection(struct findings *f, const struct config *config,
                             const struct url *url, const char *ip, bool is_v6)
{
    char target[TARGET_MAX];
    char connect_to[IP_TEXT_SIZE + 16];
    char why[CURL_ERROR_SIZE] = "";
    struct curl_slist *list;
    CURL *curl = curl_easy_init();
    CURLcode result;

    (void)snprintf(connect_to, sizeof(connect_to), is_v6 ? "::[%s]:%u" : "::%s:%u", ip,
                   (unsigned)url->port);
    (void)snprintf(target, sizeof(target), "%.*s://%s%.*s%s:%u/", STR_ARG(url->scheme),
                   url->is_ip && url->ip.is_v6 ? "[" : "", STR_ARG(url->host),
                   url->is_ip && url->ip.is_v6 ? "]" : "", (unsigned)url->port);
    list = curl_slist_append(NULL, connect_to);
    if (curl == NULL || list == NULL) {
        curl_slist_free_all(list);
        curl_easy_cleanup(curl);
        return;
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, target);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECT_TO, list);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, doctor_ca_file(config));
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    result = curl_easy_perform(curl);
    finding_add(f, "connection", result == CURLE_OK ? DOCTOR_OK : DOCTOR_FAILED, "%s: %s", ip,
                result == CURLE_OK ? "connected"
                : why[0] != '\0'   ? why
                                   : curl_easy_strerror(result));
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
}

/* Every address must be allowed: the sender refuses the whole answer when one is not. */
static void check_addresses(struct findings *f, const struct config *config,
                            const struct ipguard *guard, const struct url *url)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    char host[HOST_MAX];
    char first[IP_TEXT_SIZE] = "";
    bool is_v6 = false;
    bool allowed = true;
    int rc;

    (void)snprintf(host, sizeof(host), "%.*s", STR_ARG(url->host));
    rc = getaddrinfo(host, NULL, &hints, &list);
    if (rc != 0) {
        finding_add(f, "name", DOCTOR_FAILED, "%s: %s", host, gai_strerror(rc));
        return;
    }
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        struct ip ip;
        uint16_t port = 0;
        char text[IP_TEXT_SIZE];
        bool fine;

        if (ip_from_sockaddr(a->ai_addr, &ip, &port) != 0 ||
            f->count + 2 >= DOCTOR_FINDINGS_MAX) {
            continue;
        }
        ip_format(&ip, text);
        fine = ipguard_allows(guard, &ip, url->port);
        allowed = allowed && fine;
        finding_add(f, "address", fine ? DOCTOR_OK : DOCTOR_FAILED, "%s%s", text,
                    fine ? "" : " is never sent to (private, special or refused)");
        if (first[0] == '\0') {
            (void)snprintf(first, sizeof(first), "%s", text);
            is_v6 = ip.is_v6 != 0;
        }
    }
    freeaddrinfo(list);
    if (allowed && first[0] != '\0') {
        check_connection(f, config, url, first, is_v6);
    }
}

void doctor_url(struct findings *f, const struct config *config, const char *url_text)
{
    struct ipguard_options options = {
        .allow_loopback = config->dev,
        .allow_targets = str_from(config->allow_target),
        .refuse_targets = str_from(config->refuse_target),
        .own_addresses = true,
    };
    struct ipguard *guard = NULL;
    struct arena arena;
    struct url url;
    struct err err = { 0 };
    int rc = ipguard_new(&options, &guard, &err);

    if (rc != 0) {
        finding_add(f, "guard", DOCTOR_FAILED, "%s", err.text);
        return;
    }
    struct url_policy policy = { .allow_http = config->allow_http || config->dev,
                                 .allow_loopback = config->dev,
                                 .ports = config->dev ? "any" : config->endpoint_ports,
                                 .guard = guard };

    arena_init(&arena);
    rc = url_parse(str_from(url_text), &policy, &arena, &url, &err);
    if (rc != 0) {
        finding_add(f, "url", DOCTOR_FAILED, "%s", err.text);
    } else {
        finding_add(f, "url", DOCTOR_OK, "%.*s", STR_ARG(url.text));
        check_addresses(f, config, guard, &url);
    }
    arena_done(&arena);
    ipguard_free(guard);
}
