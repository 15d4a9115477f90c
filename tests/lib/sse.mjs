// SPDX-License-Identifier: Apache-2.0
//
// A client of the live stream: the messages as they come, and what became of the connection.
import http from 'node:http';
import { waitFor } from './wait.mjs';

export class Stream {
    // Resolves with the answer's headers read. `status` other than 200: `text` has the problem.
    static open(api, query = '', headers = {}) {
        const stream = new Stream();
        const target = new URL(api.url);
        return new Promise((resolve, reject) => {
            const request = http.request(
                {
                    host: target.hostname, port: target.port, path: `/api/v1/stream${query}`, agent: false,
                    headers: { authorization: `Bearer ${api.key}`, ...headers },
                },
                (response) => {
                    stream.#listen(response);
                    resolve(stream);
                },
            );
            stream.request = request;
            request.on('error', (error) => {
                stream.error = error;
                stream.ended = true;
                reject(error);
            });
            request.end();
        });
    }

    #listen(response) {
        this.status = response.statusCode;
        this.headers = response.headers;
        this.messages = [];
        this.comments = 0;
        this.text = '';
        this.ended = false;
        response.setEncoding('utf8');
        response.on('data', (part) => this.#take(part));
        response.on('end', () => {
            this.ended = true;
            this.complete = response.complete;
        });
        response.on('error', () => {
            this.ended = true;
        });
    }

    #take(part) {
        this.text += part;
        if (this.status !== 200) {
            return;
        }
        for (let at = this.text.indexOf('\n\n'); at >= 0; at = this.text.indexOf('\n\n')) {
            this.#message(this.text.slice(0, at).split('\n'));
            this.text = this.text.slice(at + 2);
        }
    }

    #message(lines) {
        const message = {};
        for (const line of lines) {
            if (line.startsWith(':')) {
                this.comments++;
                continue;
            }
            const colon = line.indexOf(': ');
            message[line.slice(0, colon)] = line.slice(colon + 2);
        }
        if (message.data !== undefined) {
            this.messages.push({ id: message.id, event: message.event, data: JSON.parse(message.data) });
        }
    }

    named(event) {
        return this.messages.filter((message) => message.event === event);
    }

    // The first message that look() takes.
    wait(what, look, deadlineMs) {
        return waitFor(
            () => `${what}; seen ${JSON.stringify(this.messages).slice(0, 1500)}`,
            () => this.messages.find(look),
            deadlineMs,
        );
    }

    waitEnd(deadlineMs) {
        return waitFor('the end of the stream', () => this.ended, deadlineMs);
    }

    close() {
        this.request.on('error', () => {});
        this.request.destroy();
    }
}
