/* SPDX-License-Identifier: Apache-2.0 */
/* config_table.h - the one table of settings; see config.h. Sizes in bytes, durations in milliseconds. */
#ifndef SERVER_CONFIG_TABLE_H
#define SERVER_CONFIG_TABLE_H

/* clang-format off */
#define CONFIG_TABLE(X) \
    X(data, CONFIG_TEXT, "./var", 0, 4096, false, "Folder of the embedded store, the key file and the lock.") \
    X(database, CONFIG_TEXT, "", 0, 4096, false, "postgres://... ; empty: SQLite in `data`.") \
    X(listen, CONFIG_TEXT, "127.0.0.1:8080", 1, 256, false, "ADDR:PORT of the HTTP API.") \
    X(dev, CONFIG_BOOL, "false", 0, 1, false, "Development: http and loopback endpoints are allowed, event types register themselves.") \
    X(tls_cert, CONFIG_TEXT, "", 0, 4096, false, "PEM file with the certificate chain; with tls_key the API speaks TLS.") \
    X(tls_key, CONFIG_TEXT, "", 0, 4096, false, "PEM file with the private key.") \
    X(behind_proxy, CONFIG_TEXT, "", 0, 1024, false, "CIDR list of proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted.") \
    X(admin_key, CONFIG_TEXT, "", 0, 128, false, "Installs this admin key at first start (32 to 128 printable characters).") \
    X(admin_key_file, CONFIG_TEXT, "", 0, 4096, false, "The same, read from the first line of a file.") \
    X(key_file, CONFIG_TEXT, "", 0, 4096, false, "Master key file; empty: `data`/postern.key.") \
    X(public_url, CONFIG_TEXT, "", 0, 1024, false, "How clients reach this server; empty: made from listen.") \
    X(log_level, CONFIG_TEXT, "info", 1, 16, true, "debug, info, warn or error.") \
    X(log_format, CONFIG_TEXT, "logfmt", 1, 16, true, "logfmt or json.") \
    X(header_prefix, CONFIG_TEXT, "Postern", 1, 64, false, "Prefix of the signature and event headers.") \
    X(source_ips, CONFIG_TEXT, "", 0, 4096, false, "Addresses or CIDRs that deliveries come from, comma-separated; shown to customers for their firewalls.") \
    X(tests_per_minute, CONFIG_INT, "60", 1, 6000, false, "Test sends of an app in a minute.") \
    X(url_checks_per_minute, CONFIG_INT, "120", 1, 6000, false, "Checks of a URL by a project in a minute.") \
    X(secret_reveal, CONFIG_TEXT, "never", 1, 16, false, "never, or reauth: GET .../secret shows a signing secret to an admin who sends the key once more.") \
    X(allow_http, CONFIG_BOOL, "false", 0, 1, false, "Allow http:// endpoints also without dev.") \
    X(allow_target, CONFIG_TEXT, "", 0, 4096, false, "CIDR:PORT list of addresses that endpoints may use although they are private.") \
    X(refuse_target, CONFIG_TEXT, "", 0, 4096, false, "CIDR list of further addresses that are never sent to.") \
    X(endpoint_ports, CONFIG_TEXT, "443,80,8443,8080,8000,3000,5000,9443", 1, 1024, false, "Ports that endpoints may use; any: all but 0 (dev has any).") \
    X(dns_server, CONFIG_TEXT, "", 0, 256, false, "ADDR:PORT of the name server; empty: the system's.") \
    X(egress_processes, CONFIG_INT, "0", 0, 64, false, "Sending processes; 0: one per core, at most 4.") \
    X(egress_transfers_max, CONFIG_INT, "2000", 1, 4096, false, "Attempts at once per sending process.") \
    X(egress_bytes_max, CONFIG_SIZE, "134217728", 1048576, 17179869184, false, "Bytes in flight per sending process.") \
    X(connect_timeout_ms, CONFIG_DURATION_MS, "5000", 100, 30000, false, "Time to connect, TLS included.") \
    X(endpoint_timeout_ms, CONFIG_DURATION_MS, "15000", 1000, 30000, false, "Default time for a whole attempt.") \
    X(endpoint_concurrency, CONFIG_INT, "10", 1, 1000, false, "Attempts at once per endpoint.") \
    X(app_concurrency, CONFIG_INT, "50", 1, 10000, false, "Attempts at once per app.") \
    X(breaker_enabled, CONFIG_BOOL, "true", 0, 1, false, "Stop sending for a while to an endpoint that mostly fails.") \
    X(breaker_window, CONFIG_INT, "100", 2, 128, false, "Latest attempts that the breaker judges; it waits until there are so many.") \
    X(breaker_threshold_percent, CONFIG_INT, "50", 1, 99, false, "The circuit opens when more of them than this were 5xx or network failures.") \
    X(breaker_open_ms, CONFIG_DURATION_MS, "300000", 1000, 86400000, false, "How long nothing is sent then, before one probe.") \
    X(failing_after, CONFIG_INT, "3", 0, 100000, false, "Failed attempts in a row after which an endpoint counts as failing; 0: never.") \
    X(pause_after, CONFIG_INT, "100", 0, 100000, false, "Failed attempts in a row after which an endpoint is disabled; 0: never.") \
    X(exhausted_max, CONFIG_INT, "10", 0, 32, false, "Exhausted deliveries within exhausted_period_ms after which an endpoint is disabled; 0: never.") \
    X(exhausted_period_ms, CONFIG_DURATION_MS, "86400000", 1000, 2592000000, false, "The time of exhausted_max.") \
    X(stale_days, CONFIG_INT, "90", 0, 3650, false, "Days without a success after which an endpoint counts as stale; 0: never.") \
    X(app_endpoints_max, CONFIG_INT, "10", 1, 1000, false, "Endpoints of an app unless it has its own limit.") \
    X(endpoints_max, CONFIG_INT, "100000", 1, 1000000, false, "Endpoints in all.") \
    X(deliveries_memory_max, CONFIG_INT, "200000", 1000, 10000000, false, "Open deliveries in memory in all.") \
    X(endpoint_memory_max, CONFIG_INT, "1000", 20, 100000, false, "Open deliveries in memory per endpoint.") \
    X(body_memory_max, CONFIG_SIZE, "268435456", 1048576, 17179869184, false, "Event bodies kept in memory for first attempts.") \
    X(uncommitted_max, CONFIG_INT, "4096", 16, 1000000, false, "Outcomes that may wait for the store.") \
    X(request_body_max, CONFIG_SIZE, "1048576", 1024, 67108864, false, "Body of an API request.") \
    X(event_data_max, CONFIG_SIZE, "262144", 64, 2097152, false, "`data` of one event.") \
    X(batch_events_max, CONFIG_INT, "100", 1, 1000, false, "Events in one batch publish.") \
    X(header_max, CONFIG_SIZE, "16384", 1024, 65536, false, "Header block of an API request.") \
    X(uri_max, CONFIG_SIZE, "8192", 256, 65536, false, "Request target of an API request.") \
    X(connections_max, CONFIG_INT, "4096", 8, 100000, false, "Connections to the API.") \
    X(connections_per_address_max, CONFIG_INT, "0", 0, 100000, false, "Connections per client address; 0: no limit.") \
    X(request_memory_max, CONFIG_SIZE, "268435456", 1048576, 17179869184, false, "Request bodies in memory.") \
    X(request_header_ms, CONFIG_DURATION_MS, "10000", 100, 120000, false, "Time for a request's header block.") \
    X(request_idle_ms, CONFIG_DURATION_MS, "60000", 1000, 3600000, false, "Idle time of an API connection.") \
    X(streams_max, CONFIG_INT, "1000", 1, 100000, false, "Live streams at once.") \
    X(stream_heartbeat_ms, CONFIG_DURATION_MS, "15000", 100, 600000, false, "A live stream says something at least so often.") \
    X(write_queue_max, CONFIG_SIZE, "67108864", 1048576, 17179869184, false, "Writes that wait for the store; beyond: 503.") \
    X(batch_rows_max, CONFIG_INT, "1000", 1, 100000, false, "Rows of one transaction.") \
    X(batch_bytes_max, CONFIG_SIZE, "4194304", 65536, 268435456, false, "Bytes of one transaction.") \
    X(batch_ms_max, CONFIG_DURATION_MS, "10", 1, 1000, false, "Time in which one transaction takes writes.") \
    X(reader_threads, CONFIG_INT, "2", 1, 16, false, "Threads that answer lists.") \
    X(idempotency_hours, CONFIG_INT, "24", 1, 720, true, "How long Idempotency-Key and a publisher's id are remembered.") \
    X(rollup_days, CONFIG_INT, "400", 1, 3650, false, "How long daily counts are kept; hours are kept 93 days, minutes 2.") \
    X(retention_days, CONFIG_INT, "30", 1, 3650, true, "How long events, deliveries and attempts are kept.") \
    X(notice_cooldown_ms, CONFIG_DURATION_MS, "3600000", 0, 604800000, false, "One notice per issue in so long; repeats are counted onto it.") \
    X(notice_app_hour_max, CONFIG_INT, "60", 1, 10000, false, "New notices of one app in an hour; beyond they are only counted.") \
    X(notice_days, CONFIG_INT, "90", 1, 3650, false, "How long notices are kept.") \
    X(notice_templates, CONFIG_TEXT, "", 0, 4096, false, "Folder with texts of notices that go before those of the build.") \
    X(session_idle_ms, CONFIG_DURATION_MS, "1800000", 1000, 86400000, false, "A member is signed out after so long without a request.") \
    X(portal_idle_ms, CONFIG_DURATION_MS, "3600000", 1000, 86400000, false, "A customer's session ends after so long without a request.") \
    X(session_max_ms, CONFIG_DURATION_MS, "43200000", 1000, 604800000, false, "Every session ends after so long.") \
    X(sessions_max, CONFIG_INT, "10000", 1, 1000000, false, "Sessions at once, and again tickets that wait for their exchange.") \
    X(sign_in_tries, CONFIG_INT, "10", 1, 1000, false, "Tries to sign in per account in sign_in_period_ms; per address ten times as many.") \
    X(sign_in_period_ms, CONFIG_DURATION_MS, "600000", 10000, 86400000, false, "The time over which tries to sign in are counted.") \
    X(audit_days, CONFIG_INT, "400", 1, 36500, true, "How long the audit log is kept.") \
    X(notice_emails, CONFIG_TEXT, "", 0, 4096, false, "Addresses of the operator, between commas: alerts and what else is his.") \
    X(smtp_url, CONFIG_TEXT, "", 0, 1024, false, "smtp://HOST:PORT (STARTTLS) or smtps://HOST:PORT; empty: no mail is sent.") \
    X(smtp_plain, CONFIG_BOOL, "false", 0, 1, false, "smtp:// without TLS: only to a relay of your own network.") \
    X(smtp_from, CONFIG_TEXT, "", 0, 320, false, "Sender of mails: an address, or: Name <address>.") \
    X(smtp_credentials_file, CONFIG_TEXT, "", 0, 4096, false, "File with user and password of the mail server, a line each.") \
    X(outbox_retry_ms, CONFIG_DURATION_MS, "30000", 100, 3600000, false, "Before the second try of a mail; doubled each time, at most 1h.") \
    X(alert_every_ms, CONFIG_DURATION_MS, "30000", 100, 600000, false, "Alerts are judged so often.") \
    X(alert_window_ms, CONFIG_DURATION_MS, "300000", 100, 3600000, false, "Rates and errors are judged over this time.") \
    X(alert_pending_max, CONFIG_INT, "10000", 0, 100000000, false, "Alert pending-deliveries: above so many open deliveries.") \
    X(alert_failure_percent, CONFIG_INT, "5", 0, 100, false, "Alert failure-rate: above so many percent of all attempts.") \
    X(alert_app_failure_percent, CONFIG_INT, "50", 0, 100, false, "Alert customer-failure-rate: above so many percent of an app's attempts in the last hour.") \
    X(alert_attempts_min, CONFIG_INT, "20", 1, 1000000, false, "With fewer attempts a rate says nothing.") \
    X(alert_down_ms, CONFIG_DURATION_MS, "86400000", 100, 2592000000, false, "Alert endpoint-down: an endpoint that fails had no success for so long.") \
    X(alert_url, CONFIG_TEXT, "", 0, 2048, false, "URL that gets every alert as JSON.") \
    X(alert_pager_url, CONFIG_TEXT, "", 0, 2048, false, "URL that gets alerts of severity page as PagerDuty events (Events API v2).") \
    X(alert_pager_key_file, CONFIG_TEXT, "", 0, 4096, false, "File with the routing key for alert_pager_url.") \
    X(retention_deliveries_days, CONFIG_INT, "0", 0, 3650, true, "How long deliveries and attempts are kept; 0: as long as events.") \
    X(retention_bodies_days, CONFIG_INT, "0", 0, 3650, true, "After how long the bytes of an event are erased, its row stays; 0: never before the event.") \
    X(retention_responses_days, CONFIG_INT, "0", 0, 3650, true, "After how long response bodies of attempts are erased; 0: never before the delivery.") \
    X(retention_deleted_days, CONFIG_INT, "30", 0, 3650, true, "How long a deleted endpoint keeps its history at most.") \
    X(replay_days, CONFIG_INT, "90", 1, 3650, true, "How long ended replays are listed.") \
    X(replay_rate, CONFIG_INT, "50", 1, 1000, false, "Deliveries a second and endpoint of a replay, unless the replay says otherwise.") \
    X(replay_total_max, CONFIG_INT, "1000000", 1, 100000000, false, "Deliveries of one replay.") \
    X(app_replays_max, CONFIG_INT, "3", 1, 100, false, "Replays of one app that run at once.") \
    X(replay_customer_hours, CONFIG_INT, "48", 1, 8760, false, "Longest time from since to until of a replay by who is bound to an app.") \
    X(drain_ms, CONFIG_DURATION_MS, "35000", 0, 300000, false, "Time that SIGTERM gives to attempts in flight.") \
    X(ca_file, CONFIG_TEXT, "", 0, 4096, false, "PEM file of the certificate authorities that endpoints are judged by; empty: SSL_CERT_FILE or the system's.")
/* clang-format on */

enum {
#define CONFIG_NUMBER(f, type, def, min, max, reload, doc) CONFIG_AT_##f,
    CONFIG_TABLE(CONFIG_NUMBER)
#undef CONFIG_NUMBER
        CONFIG_COUNT
};

#endif
