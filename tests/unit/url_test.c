/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoint URLs: every spelling that other parsers take for an inside address, and what stays allowed. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "net/url.h"

static const char ports[] = "443,80,8443,8080,8000,3000,5000,9443";

struct rig {
    struct ipguard *guard;
    struct url_policy policy;
    struct arena arena;
};

static void rig_init(struct rig *rig, bool allow_loopback, const char *allow_targets)
{
    const struct ipguard_options options = { .allow_loopback = allow_loopback,
                                             .allow_targets = str_from(allow_targets) };

    assert_int_equal(ipguard_new(&options, &rig->guard, NULL), 0);
    rig->policy = (struct url_policy){ true, allow_loopback, ports, rig->guard };
    arena_init(&rig->arena);
}

static void rig_done(struct rig *rig)
{
    arena_done(&rig->arena);
    ipguard_free(rig->guard);
}

static void check_refused(struct rig *rig, const char *why, const char *text)
{
    struct url url = { .port = 1 };
    struct err err = { 0 };
    int rc = url_parse(str_from(text), &rig->policy, &rig->arena, &url, &err);

    if (rc != -E_URL_REFUSED) {
        fail_msg("%s: `%s` gives %d, host `%.*s`", why, text, rc, STR_ARG(url.host));
    }
    /* A sentence for people, and an untouched result. */
    if (strlen(err.text) < 20 || err.text[strlen(err.text) - 1] != '.' || url.port != 1) {
        fail_msg("%s: `%s` has the sentence `%s`", why, text, err.text);
    }
}

static void check_accepted(struct rig *rig, const char *text, const char *canonical)
{
    struct url url;
    struct url again;
    struct err err = { 0 };

    if (url_parse(str_from(text), &rig->policy, &rig->arena, &url, &err) != 0) {
        fail_msg("`%s` is refused: %s", text, err.text);
    }
    if (!str_eq_c(url.text, canonical)) {
        fail_msg("`%s` becomes `%.*s`", text, STR_ARG(url.text));
    }
    assert_int_equal(url.text.p[url.text.len], '\0');
    assert_int_equal(url_parse(url.text, &rig->policy, &rig->arena, &again, NULL), 0);
    assert_true(str_eq(url.text, again.text));
}

/* --- Accepted --------------------------------------------------------------------------------- */

static void canonical_forms(void **state)
{
    static const char *const cases[][2] = {
        { "https://example.com", "https://example.com/" },
        { "HTTPS://Example.COM:443/A", "https://example.com/A" },
        { "http://example.com:80?x=1", "http://example.com/?x=1" },
        { "https://example.com.", "https://example.com/" },
        { "https://example.com.:8443/", "https://example.com:8443/" },
        { "https://example.com/a/../b?c=d&e[]=f#frag", "https://example.com/a/../b?c=d&e[]=f" },
        { "https://a_b.example.com/%7Euser/;v=1", "https://a_b.example.com/%7Euser/;v=1" },
        { "https://1.1.1.1/", "https://1.1.1.1/" },
        { "https://[2606:4700:4700::1111]:8443", "https://[2606:4700:4700::1111]:8443/" },
        { "https://b\xc3\xbc"
          "cher.example/",
          "https://xn--bcher-kva.example/" },
        { "https://fa\xc3\x9f.de/", "https://xn--fa-hia.de/" },
        { "https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/" },
        /* Full-width letters and dots are only another spelling of a public name. */
        { "https://\xef\xbd\x85xample\xe3\x80\x82"
          "com/",
          "https://example.com/" },
        { "https://1.2.3.4.example.com/", "https://1.2.3.4.example.com/" },
        { "https://0x7f.example.com/", "https://0x7f.example.com/" },
        { "https://internal.example.com/", "https://internal.example.com/" },
        { "https://localhost.example.com/", "https://localhost.example.com/" },
        { "https://example.com/@user:pass", "https://example.com/@user:pass" },
        { "https://example.com?q=http://127.0.0.1", "https://example.com/?q=http://127.0.0.1" },
    };
    struct rig rig;

    (void)state;
    rig_init(&rig, false, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_accepted(&rig, cases[i][0], cases[i][1]);
    }
    rig_done(&rig);
}

static void parts(void **state)
{
    struct rig rig;
    struct url url;

    (void)state;
    rig_init(&rig, false, NULL);
    assert_int_equal(
        url_parse(STR("https://Example.com:8443/a?b#c"), &rig.policy, &rig.arena, &url, NULL),
        0);
    assert_true(str_eq_c(url.scheme, "https"));
    assert_true(str_eq_c(url.host, "example.com"));
    assert_true(str_eq_c(url.target, "/a?b"));
    assert_int_equal(url.port, 8443);
    assert_false(url.is_ip);
    assert_int_equal(
        url_parse(STR("http://[2606:4700::1]"), &rig.policy, &rig.arena, &url, NULL), 0);
    assert_true(str_eq_c(url.host, "2606:4700::1"));
    assert_true(str_eq_c(url.target, "/"));
    assert_int_equal(url.port, 80);
    assert_true(url.is_ip);
    assert_int_equal(url.ip.is_v6, 1);
    rig_done(&rig);
}

/* --- Refused ---------------------------------------------------------------------------------- */

static void spellings_of_inside_addresses(void **state)
{
    static const char *const cases[][2] = {
        /* What libcurl turns into 127.0.0.1 by itself. */
        { "short address", "https://127.1/" },
        { "hex octet", "https://0x7f.1/" },
        { "hex number", "https://0x7f000001/" },
        { "decimal number", "https://2130706433/" },
        { "octal octet", "https://0177.0.0.1/" },
        { "percent-encoded digits", "https://%31%32%37.0.0.1/" },
        { "backslash before user", "https://example.com:80\\@127.0.0.1/" },
        { "three slashes", "https:///127.0.0.1/" },
        { "port 0", "https://example.com:0/" },
        { "below localhost", "https://foo.localhost/" },
        { "zone id", "https://[fe80::1%25eth0]/" },
        { "zone id plain", "https://[fe80::1%eth0]/" },
        { "zone on public", "https://[2606:4700::1%25lo]/" },
        /* The address itself. */
        { "loopback", "https://127.0.0.1/" },
        { "loopback end", "https://127.255.255.254/" },
        { "this network", "https://0.0.0.0/" },
        { "private", "https://10.0.0.1/" },
        { "metadata", "http://169.254.169.254/latest/meta-data/" },
        { "task metadata", "http://169.254.170.2/" },
        { "carrier metadata", "http://100.100.100.200/" },
        { "wire server", "http://168.63.129.16/" },
        { "broadcast", "https://255.255.255.255/" },
        { "trailing dot", "https://127.0.0.1./" },
        { "two trailing dots", "https://example.com../" },
        { "numeric last label", "https://1.2.3/" },
        { "numeric last label, dot", "https://foo.1./" },
        { "five parts", "https://1.2.3.4.5/" },
        { "over 255", "https://1.2.3.256/" },
        { "leading zero", "https://01.2.3.4/" },
        { "hex last label", "https://foo.0x/" },
        { "hex last label upper", "https://foo.0X1F/" },
        { "IPv6 loopback", "https://[::1]/" },
        { "IPv6 unspecified", "https://[::]/" },
        { "IPv6 long loopback", "https://[0:0:0:0:0:0:0:1]/" },
        { "IPv6 upper case", "https://[2606:4700:4700::ABCD]/" },
        { "IPv6 leading zeros", "https://[2606:4700:4700::0111]/" },
        { "IPv6 link-local", "https://[fe80::1]/" },
        { "IPv6 unique local", "https://[fd00:ec2::254]/" },
        { "IPv4 in brackets", "https://[127.0.0.1]/" },
        { "public IPv4 in brackets", "https://[1.1.1.1]/" },
        { "bracket not closed", "https://[::1/" },
        { "text after bracket", "https://[2606:4700::1]x/" },
        { "IPv6 without brackets", "https://::1/" },
        /* Letters that become digits, dots and names. */
        { "circled digits", "https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/" },
        { "full-width digits",
          "https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97\xef\xbc\x8e\xef\xbc\x90.0.1/" },
        { "ideographic dots", "https://127\xe3\x80\x82"
                              "0\xe3\x80\x82"
                              "0\xe3\x80\x82"
                              "1/" },
        { "half-width dots", "https://169\xef\xbd\xa1"
                             "254\xef\xbd\xa1"
                             "169\xef\xbd\xa1"
                             "254/" },
        { "circled letters",
          "https://\xe2\x93\x9b\xe2\x93\x9e\xe2\x93\x92\xe2\x93\x90\xe2\x93\x9bhost/" },
        { "public, but circled", "https://\xe2\x91\xa0.1.1.1/" },
        { "hidden hyphen", "https://exa\xc2\xadmple.0x7f/" },
        { "not UTF-8", "https://ex\xff"
                       "ample.com/" },
    };
    struct rig rig;

    (void)state;
    rig_init(&rig, false, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_refused(&rig, cases[i][0], cases[i][1]);
    }
    rig_done(&rig);
}

static void names_that_lead_inside(void **state)
{
    static const char *const names[] = {
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "printer.local",
        "db.internal",
        "internal",
        "x.localdomain",
        "nas.home.arpa",
        "home.arpa",
        "pc.lan",
        "abc.onion",
        "intranet",
        "metadata",
        "instance-data",
        "metadata.google.internal",
        "metadata.google.internal.",
        "METADATA.goog",
        "metadata.packet.net",
        "metadata.tencentyun.com",
        "-a.example.com",
        "a-.example.com",
        "a..example.com",
        ".example.com",
        "exa mple.com",
        "exa$mple.com",
        "exa*mple.com",
        "",
        "example.com,evil.com",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com",
    };
    struct rig rig;

    (void)state;
    rig_init(&rig, false, NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "https://%s/", names[i]);
        check_refused(&rig, "name", text);
    }
    rig_done(&rig);
}

static void forms_that_are_no_endpoint(void **state)
{
    static const char *const cases[][2] = {
        { "empty", "" },
        { "no scheme", "example.com" },
        { "no scheme, slashes", "//example.com/" },
        { "one slash", "https:/example.com/" },
        { "ftp", "ftp://example.com/" },
        { "file", "file:///etc/passwd" },
        { "gopher", "gopher://127.0.0.1:6379/_FLUSHALL" },
        { "javascript", "javascript://example.com/" },
        { "user", "https://user@example.com/" },
        { "user and password", "https://user:pass@example.com/" },
        { "empty user", "https://@example.com/" },
        { "user that looks like a host", "https://example.com@127.0.0.1/" },
        { "user with question mark", "https://127.0.0.1?@example.com/" },
        { "user with hash", "https://127.0.0.1#@example.com/" },
        { "blank", "https://example.com/a b" },
        { "leading blank", " https://example.com/" },
        { "tab", "https://exam\tple.com/" },
        { "line end", "https://example.com/\r\nHost: evil" },
        { "delete", "https://example.com/\x7f" },
        { "backslash", "https://example.com\\evil" },
        { "backslashes", "https:\\\\example.com" },
        { "port empty", "https://example.com:/" },
        { "port text", "https://example.com:http/" },
        { "port sign", "https://example.com:+443/" },
        { "port zeros", "https://example.com:0443/" },
        { "port too large", "https://example.com:65979/" },
        { "port not listed", "https://example.com:22/" },
        { "port not listed, redis", "https://example.com:6379/" },
        { "two ports", "https://example.com:443:80/" },
        { "bad percent", "https://example.com/%zz" },
        { "cut percent", "https://example.com/%2" },
        { "letter beyond ASCII in path", "https://example.com/b\xc3\xbc" },
        { "quote", "https://example.com/\"" },
        { "bracket in path", "https://example.com/[a]" },
        { "angle", "https://example.com/?<script>" },
    };
    struct rig rig;

    (void)state;
    rig_init(&rig, false, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_refused(&rig, cases[i][0], cases[i][1]);
    }
    assert_int_equal(url_parse((struct str){ "https://example.com/\0a", 22 }, &rig.policy,
                               &rig.arena, &(struct url){ 0 }, NULL),
                     -E_URL_REFUSED);
    rig_done(&rig);
}

/* CVE-style bypasses of other senders, each by its name (proof of section 3.5). */
static void bypasses_that_happened(void **state)
{
    static const char *const cases[][2] = {
        { "GitLab 53242", "https://[0:0:0:0:0:ffff:127.0.0.1]/" },
        { "GitLab CVE-2018-8801", "http://127.0.0.1:9100/metrics" },
        { "Mastodon CVE-2026-46348", "https://[::]/" },
        { "OneUptime 2578", "https://[::ffff:7f00:1]/" },
        { "Documenso 2901", "https://[::ffff:a9fe:a9fe]/" },
        { "Plunk 449, NAT64", "https://[64:ff9b::7f00:1]/" },
        { "Plunk 449, 6to4", "https://[2002:7f00:1::]/" },
        { "TinyIce GHSA-7r38, Teredo", "https://[2001:0:7f00:1::]/" },
        { "smokescreen CVE-2022-29188", "https://[example.com]/" },
        { "smokescreen CVE-2022-24825", "https://LOCALHOST./" },
        { "mcp-from-openapi CVE-2026-115751", "https://metadata.google.internal./" },
        { "ISATAP", "https://[2600::5efe:a00:1]/" },
        { "SIIT", "https://[::ffff:0:7f00:1]/" },
    };
    struct rig rig;

    (void)state;
    rig_init(&rig, false, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_refused(&rig, cases[i][0], cases[i][1]);
    }
    rig_done(&rig);
}

/* --- Policies and limits ---------------------------------------------------------------------- */

static void plain_http_by_policy_only(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, false, NULL);
    rig.policy.allow_http = false;
    check_refused(&rig, "http", "http://example.com/");
    check_refused(&rig, "http", "HTTP://example.com/");
    check_accepted(&rig, "https://example.com/", "https://example.com/");
    rig_done(&rig);
}

static void loopback_by_policy_only(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, true, NULL);
    rig.policy.ports = "any";
    check_accepted(&rig, "http://localhost:9999/a", "http://localhost:9999/a");
    check_accepted(&rig, "http://127.0.0.1:9999/a", "http://127.0.0.1:9999/a");
    check_accepted(&rig, "http://[::1]:9999/a", "http://[::1]:9999/a");
    check_refused(&rig, "still inside", "http://foo.localhost/");
    check_refused(&rig, "still inside", "http://10.0.0.1/");
    check_refused(&rig, "still inside", "http://intranet/");
    check_refused(&rig, "still a number", "http://127.1/");
    check_refused(&rig, "never port 0", "http://localhost:0/");
    rig_done(&rig);
}

static void allowed_targets_bring_their_port(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, false, "10.1.2.3:9000,127.0.0.1/32:0");
    check_accepted(&rig, "http://10.1.2.3:9000/", "http://10.1.2.3:9000/");
    check_accepted(&rig, "http://127.0.0.1:45123/", "http://127.0.0.1:45123/");
    check_refused(&rig, "other port", "http://10.1.2.3:9001/");
    check_refused(&rig, "other address", "http://10.1.2.4:9000/");
    check_refused(&rig, "public address, odd port", "http://1.1.1.1:9000/");
    check_refused(&rig, "names have no exception", "http://localhost:45123/");
    rig_done(&rig);
}

static void without_a_guard_any_address_passes(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, false, NULL);
    rig.policy.guard = NULL;
    check_accepted(&rig, "https://10.0.0.1/", "https://10.0.0.1/");
    rig_done(&rig);
}

static void sizes(void **state)
{
    char text[URL_SIZE_MAX + 2];
    char host[400];
    struct rig rig;
    struct url url;
    size_t i;

    (void)state;
    rig_init(&rig, false, NULL);
    memset(text, 'a', sizeof(text));
    memcpy(text, "https://example.com/", 20);
    assert_int_equal(
        url_parse((struct str){ text, URL_SIZE_MAX }, &rig.policy, &rig.arena, &url, NULL), 0);
    assert_int_equal(url.text.len, URL_SIZE_MAX);
    assert_int_equal(
        url_parse((struct str){ text, URL_SIZE_MAX + 1 }, &rig.policy, &rig.arena, &url, NULL),
        -E_URL_REFUSED);
    /* The canonical form has a limit too: here it is one slash longer. */
    memcpy(text, "https://example.com?", 20);
    assert_int_equal(
        url_parse((struct str){ text, URL_SIZE_MAX }, &rig.policy, &rig.arena, &url, NULL),
        -E_URL_REFUSED);

    /* A host of 253 characters, and one of 254. */
    memcpy(host, "https://", 8);
    for (i = 0; i < 254; i++) {
        host[8 + i] = i % 50 == 49 ? '.' : 'a';
    }
    assert_int_equal(
        url_parse((struct str){ host, 8 + 253 }, &rig.policy, &rig.arena, &url, NULL), 0);
    assert_int_equal(
        url_parse((struct str){ host, 8 + 254 }, &rig.policy, &rig.arena, &url, NULL),
        -E_URL_REFUSED);
    rig_done(&rig);
}

static void every_prefix_ends_well(void **state)
{
    static const char text[] = "https://b\xc3\xbc"
                               "cher.example.com:8443/a%20b?c[]=d#e";
    struct rig rig;
    struct url url;

    (void)state;
    rig_init(&rig, false, NULL);
    for (size_t len = 0; len < sizeof(text); len++) {
        /* An exact copy, so that a byte read beyond is seen by ASan. */
        char *copy = test_malloc(len + 1);

        memcpy(copy, text, len);
        copy[len] = (char)0xaa;
        (void)!url_parse((struct str){ copy, len }, &rig.policy, &rig.arena, &url, NULL);
        test_free(copy);
    }
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_forms),
        cmocka_unit_test(parts),
        cmocka_unit_test(spellings_of_inside_addresses),
        cmocka_unit_test(names_that_lead_inside),
        cmocka_unit_test(forms_that_are_no_endpoint),
        cmocka_unit_test(bypasses_that_happened),
        cmocka_unit_test(plain_http_by_policy_only),
        cmocka_unit_test(loopback_by_policy_only),
        cmocka_unit_test(allowed_targets_bring_their_port),
        cmocka_unit_test(without_a_guard_any_address_passes),
        cmocka_unit_test(sizes),
        cmocka_unit_test(every_prefix_ends_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
