// SPDX-License-Identifier: Apache-2.0
//
// Members who are signed in, as a browser is.
import assert from 'node:assert/strict';
import { unique } from './support.mjs';

const MEMBERS = '/api/v1/members';
const SESSION = '/api/v1/session';
export const PASSWORD = 'correct horse battery';

export function cookieOf(answer) {
    const [line] = answer.headers['set-cookie'] ?? [];
    assert.ok(line, `a cookie: ${answer.status} ${answer.text}`);
    return line.split(';')[0];
}

// A browser that is signed in: sends its cookie, and the CSRF token with every change.
export async function signIn(api, email, password = PASSWORD, more = {}) {
    const answer = await api.withKey(null).request('POST', SESSION, { body: { email, password, ...more } });
    assert.equal(answer.status, 200, answer.text);
    return browserOf(api, answer);
}

export function browserOf(api, answer) {
    const cookie = cookieOf(answer);
    const csrf = answer.json.csrf_token;
    return {
        cookie, csrf, json: answer.json, line: answer.headers['set-cookie'][0],
        request: (method, path, { body, headers = {} } = {}) => api.withKey(null).request(method, path, {
            body, headers: { cookie, ...(method === 'GET' ? {} : { 'postern-csrf': csrf }), ...headers },
        }),
    };
}

export async function makeMember(api, role) {
    const email = `${unique(role)}@example.com`;
    return api.post(MEMBERS, { email, role, password: PASSWORD, name: `The ${role}` });
}
