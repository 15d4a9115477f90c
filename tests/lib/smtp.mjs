// SPDX-License-Identifier: Apache-2.0
//
// A real SMTP server (npm smtp-server) that keeps what it took: {from, to, user, raw, secure, helo}. `script` may
// refuse: it gets the session and answers an error with responseCode, or nothing.
import { SMTPServer } from 'smtp-server';
import { spawnSync } from 'node:child_process';
import { waitFor } from './wait.mjs';

export class MailServer {
    static async start({ tls, implicit = false, user, password, script = () => undefined, host = '127.0.0.1' } = {}) {
        const box = new MailServer();
        box.script = script;
        box.server = new SMTPServer({
            secure: implicit,
            ...(tls ? { key: tls.key, cert: tls.cert } : {}),
            hideSTARTTLS: !tls || implicit,
            authOptional: user === undefined,
            disabledCommands: user === undefined ? ['AUTH'] : [],
            allowInsecureAuth: true,
            disableReverseLookup: true,
            logger: false,
            onAuth: (auth, session, done) => {
                const right = auth.username === user && auth.password === password;
                done(right ? null : new Error('Invalid credentials'), right ? { user } : undefined);
            },
            onRcptTo: (address, session, done) => done(box.script({ step: 'rcpt', to: address.address, session })),
            onData: (stream, session, done) => {
                const parts = [];
                stream.on('data', (part) => parts.push(part));
                stream.on('end', () => {
                    const fault = box.script({ step: 'data', to: session.envelope.rcptTo[0].address, session });
                    if (!fault) {
                        box.mails.push({
                            from: session.envelope.mailFrom.address,
                            to: session.envelope.rcptTo.map((one) => one.address),
                            user: session.user,
                            secure: session.secure,
                            helo: session.hostNameAppearsAs,
                            raw: Buffer.concat(parts).toString(),
                        });
                    }
                    done(fault);
                });
            },
        });
        box.server.on('error', () => {});
        await new Promise((resolve, reject) => {
            box.server.server.once('error', reject);
            box.server.listen(0, host, resolve);
        });
        box.port = box.server.server.address().port;
        box.url = `smtp://${host}:${box.port}`;
        return box;
    }

    constructor() {
        this.mails = [];
    }

    // The first mail that `look` is true of, parsed.
    async wait(what, look = () => true, deadlineMs) {
        return waitFor(() => `a mail: ${what}; there are ${this.mails.length}`, () => {
            for (const mail of this.mails) {
                mail.parsed ??= parseMail(mail.raw);
                if (look(mail)) {
                    return mail;
                }
            }
            return undefined;
        }, deadlineMs);
    }

    close() {
        return new Promise((resolve) => {
            this.server.close(resolve);
        });
    }
}

const PARSER = `
import email, email.policy, json, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
def body(kind):
    part = m.get_body(preferencelist=(kind,))
    return part.get_content() if part else None
print(json.dumps({'headers': {k.lower(): str(v) for k, v in m.items()},
    'text': body('plain'), 'html': body('html'), 'defects': [str(d) for p in m.walk() for d in p.defects]}))
`;

// By Python's parser, which knows nothing of how it was written: {headers, text, html, defects}.
export function parseMail(raw) {
    const out = spawnSync('python3', ['-c', PARSER], { input: raw, encoding: 'utf8' });
    if (out.status !== 0) {
        throw new Error(`the mail cannot be parsed: ${out.stderr}\n${raw}`);
    }
    return JSON.parse(out.stdout);
}
