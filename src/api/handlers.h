/* SPDX-License-Identifier: Apache-2.0 */
/* handlers.h - what the table of routes calls: each answers its call once, at once or later. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

struct call;

void projects_list(struct call *call);
void projects_create(struct call *call);
void projects_get(struct call *call);
void projects_patch(struct call *call);
void projects_delete(struct call *call);

void keys_list(struct call *call);
void keys_create(struct call *call);
void keys_get(struct call *call);
void keys_delete(struct call *call);

void members_list(struct call *call);
void members_create(struct call *call);
void members_get(struct call *call);
void members_patch(struct call *call);
void members_delete(struct call *call);
void members_invite(struct call *call);

void session_sign_in(struct call *call);
void session_show(struct call *call);
void session_sign_out(struct call *call);
void session_reauth(struct call *call);
void session_password(struct call *call);
void session_invite(struct call *call);
void session_exchange(struct call *call);
void tickets_create(struct call *call);

void audit_log_list(struct call *call);
void audit_log_verify(struct call *call);

void event_types_list(struct call *call);
void event_types_create(struct call *call);
void event_types_get(struct call *call);
void event_types_patch(struct call *call);
void event_types_delete(struct call *call);
void event_type_versions_list(struct call *call);
void event_type_versions_create(struct call *call);
void event_type_versions_get(struct call *call);
void event_types_import(struct call *call);
void event_type_presets_list(struct call *call);
void event_type_presets_get(struct call *call);
void event_type_presets_apply(struct call *call);

void apps_list(struct call *call);
void apps_create(struct call *call);
void apps_get(struct call *call);
void apps_patch(struct call *call);
void apps_delete(struct call *call);

void endpoints_list(struct call *call);
void endpoints_create(struct call *call);
void endpoints_get(struct call *call);
void endpoints_put(struct call *call);
void endpoints_patch(struct call *call);
void endpoints_delete(struct call *call);
void endpoints_pause(struct call *call);
void endpoints_resume(struct call *call);

void orphans_list(struct call *call);
void orphans_adopt(struct call *call);
void orphans_adopt_all(struct call *call);
void orphans_delete_all(struct call *call);

void events_publish(struct call *call);
void events_publish_batch(struct call *call);
void events_list(struct call *call);
void events_get(struct call *call);

void deliveries_list(struct call *call);
void deliveries_get(struct call *call);
void deliveries_retry(struct call *call);
void deliveries_cancel(struct call *call);

void endpoints_roll_secret(struct call *call);
void endpoints_revoke_previous_secret(struct call *call);
void endpoints_get_secret(struct call *call);
void apps_roll_secret(struct call *call);
void apps_revoke_previous_secret(struct call *call);
void apps_get_secret(struct call *call);
void endpoints_test(struct call *call);
void apps_test(struct call *call);
void url_check(struct call *call);
void source_ips(struct call *call);
void server_facts(struct call *call);
void attempts_curl(struct call *call);
void alerts_list(struct call *call);
void notices_list(struct call *call);
void notices_read(struct call *call);
void notices_read_all(struct call *call);
void deliveries_all(struct call *call);
void events_all(struct call *call);
void deliveries_export(struct call *call);
void events_export(struct call *call);
void stats_endpoint(struct call *call);
void stats_app(struct call *call);
void stats_project(struct call *call);
void stats_sparklines(struct call *call);
void stats_apps(struct call *call);
void stream_get(struct call *call);

/* also of an endpoint, when the path names one */
void filters_test(struct call *call);
void transforms_preview(struct call *call);
void facets_list(struct call *call);
void notifications_get(struct call *call);
void notifications_put(struct call *call);
void notifications_confirm_page(struct call *call);
void notifications_confirm(struct call *call);
void notifications_unsubscribe_page(struct call *call);
void notifications_unsubscribe(struct call *call);
void deliveries_replay(struct call *call);
void deliveries_archive(struct call *call);
void endpoints_cancel_pending(struct call *call);

void replays_create(struct call *call);
void replays_list(struct call *call);
void replays_list_all(struct call *call);
void replays_get(struct call *call);
void replays_pause(struct call *call);
void replays_resume(struct call *call);
void replays_cancel(struct call *call);

void inboxes_get(struct call *call);
void inboxes_put(struct call *call);
void inboxes_delete(struct call *call);
void health_live(struct call *call);
void health_ready(struct call *call);
void metrics_get(struct call *call);
void openapi_get(struct call *call);

#endif
