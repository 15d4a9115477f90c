// SPDX-License-Identifier: Apache-2.0
//
// A small HTTP client for the API: keep-alive connections, no redirects, no retries, the answer as it came.
// `onAnswer(exchange)`, when set, sees every answer (the contract check hangs there).
import http from 'node:http';
import https from 'node:https';

export const ANSWER_DEADLINE_MS = 60_000;

export class ApiError extends Error {
    constructor(answer) {
        super(`${answer.method} ${answer.path} answered ${answer.status}: ${answer.text.slice(0, 600)}`);
        this.answer = answer;
    }
}

function encode(body, headers) {
    if (body === undefined) {
        return undefined;
    }
    if (typeof body === 'string' || Buffer.isBuffer(body)) {
        headers['content-type'] ??= 'application/json';
        return Buffer.from(body);
    }
    headers['content-type'] ??= 'application/json';
    return Buffer.from(JSON.stringify(body));
}

function parse(text) {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

export class Client {
    constructor({ url, key, onAnswer, ca, maxSockets = 64 }) {
        this.url = url;
        this.key = key;
        this.onAnswer = onAnswer;
        const tls = url.startsWith('https:');
        this.http = tls ? https : http;
        this.agent = new this.http.Agent({ keepAlive: true, maxSockets, ...(tls ? { ca } : {}) });
    }

    // The same server with another key (null: none).
    withKey(key) {
        const other = Object.create(this);
        other.key = key;
        return other;
    }

    close() {
        this.agent.destroy();
    }

    // Any request. headers: null as a value leaves the header out. The answer: {status, headers, text, json,
    // bytes, method, path}.
    async request(method, path, { body, headers = {} } = {}) {
        const all = { accept: 'application/json', ...headers };
        if (this.key !== null && this.key !== undefined && !('authorization' in all)) {
            all.authorization = `Bearer ${this.key}`;
        }
        const bytes = encode(body, all);
        for (const name of Object.keys(all)) {
            if (all[name] === null) {
                delete all[name];
            }
        }
        if (bytes !== undefined && all['transfer-encoding'] === undefined) {
            all['content-length'] = bytes.length;
        }
        const answer = await this.exchange(method, path, all, bytes);
        answer.request = { headers: all, bytes };
        this.onAnswer?.(answer);
        return answer;
    }

    exchange(method, path, headers, bytes) {
        return new Promise((resolve, reject) => {
            const target = new URL(this.url);
            const request = this.http.request(
                { method, path, headers, agent: this.agent, host: target.hostname, port: target.port },
                (response) => {
                    const parts = [];
                    response.on('data', (part) => parts.push(part));
                    response.on('error', reject);
                    response.on('end', () => {
                        const got = Buffer.concat(parts);
                        const text = got.toString('utf8');
                        resolve({
                            method,
                            path,
                            status: response.statusCode,
                            headers: response.headers,
                            bytes: got,
                            text,
                            json: text === '' ? undefined : parse(text),
                        });
                    });
                },
            );
            request.setTimeout(ANSWER_DEADLINE_MS, () => {
                request.destroy(new Error(`${method} ${path}: no answer in ${ANSWER_DEADLINE_MS} ms`));
            });
            request.on('error', reject);
            request.end(bytes);
        });
    }

    // --- The answer's JSON, or ApiError unless it is 2xx.
    async json(method, path, body, headers) {
        const answer = await this.request(method, path, { body, headers });
        if (answer.status < 200 || answer.status > 299) {
            throw new ApiError(answer);
        }
        return answer.json;
    }

    get(path, headers) {
        return this.json('GET', path, undefined, headers);
    }

    post(path, body, headers) {
        return this.json('POST', path, body, headers);
    }

    patch(path, body, headers) {
        return this.json('PATCH', path, body, headers);
    }

    put(path, body, headers) {
        return this.json('PUT', path, body, headers);
    }

    delete(path, headers) {
        return this.json('DELETE', path, undefined, headers);
    }

    // All rows of a list, page after page. A list that never ends is an error.
    async all(path, { limit = 250, pagesMax = 10_000 } = {}) {
        const rows = [];
        let cursor;
        for (let page = 0; page < pagesMax; page++) {
            const query = new URLSearchParams({ limit: String(limit) });
            if (cursor) {
                query.set('cursor', cursor);
            }
            const answer = await this.get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
            rows.push(...answer.data);
            cursor = answer.next_cursor;
            if (!cursor) {
                return rows;
            }
        }
        throw new Error(`${path} has more than ${pagesMax} pages`);
    }
}
