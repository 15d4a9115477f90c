// SPDX-License-Identifier: Apache-2.0
//
// certs.mjs - a certificate authority for tests, made by openssl at run time.
//
//   const pki = await makeCerts('hook.example.com');
//   pki.caFile                       the root, for SSL_CERT_FILE
//   pki.leaf.good                    { key, cert } in PEM; cert is the chain as a server sends it
//   also: expired, wrongName, selfSigned, incomplete (no intermediate), untrusted (another root)
//   await pki.remove()

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function selfSigned(folder, file, name, extensions) {
    const more = extensions.flatMap((text) => ['-addext', text]);
    await run('openssl', ['req', '-x509', ...CURVE, '-keyout', `${file}.key`, '-out', `${file}.pem`, '-days', '30',
        '-subj', `/CN=${name}`, ...more], { cwd: folder });
}

// A certificate of `issuer` with any dates: only `openssl ca` can make one that has expired.
async function issue(folder, file, { name, issuer, extensions, start, end }) {
    await writeFile(join(folder, `${file}.cnf`), [
        '[ca]', 'default_ca = d', '[d]', `database = ${file}.index`, `serial = ${file}.serial`, 'new_certs_dir = .',
        'default_md = sha256', 'policy = p', 'unique_subject = no', 'x509_extensions = x',
        '[p]', 'commonName = supplied', '[x]', ...extensions, '',
    ].join('\n'));
    await writeFile(join(folder, `${file}.index`), '');
    await writeFile(join(folder, `${file}.serial`), Buffer.from(file).toString('hex').slice(0, 30).padEnd(30, '0'));
    await run('openssl', ['req', ...CURVE, '-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', `/CN=${name}`],
        { cwd: folder });
    await run('openssl', ['ca', '-batch', '-notext', '-config', `${file}.cnf`, '-cert', `${issuer}.pem`, '-keyfile',
        `${issuer}.key`, '-in', `${file}.csr`, '-out', `${file}.pem`, '-startdate', start, '-enddate', end],
    { cwd: folder });
}

function asn1Time(days) {
    return new Date(Date.now() + days * 86400e3).toISOString().replace(/[-:T]/g, '').slice(0, 14) + 'Z';
}

export async function makeCerts(host) {
    const folder = await mkdtemp(join(tmpdir(), 'certs-'));
    const text = (file) => readFile(join(folder, file), 'utf8');
    const leafOf = (name) => [`subjectAltName = DNS:${name}`, 'basicConstraints = CA:FALSE'];
    const now = { start: asn1Time(-1), end: asn1Time(30) };
    await selfSigned(folder, 'root', 'test root', ['keyUsage=critical,keyCertSign,cRLSign']);
    await selfSigned(folder, 'other', 'another root', ['keyUsage=critical,keyCertSign,cRLSign']);
    await selfSigned(folder, 'selfsigned', host, [`subjectAltName=DNS:${host}`]);
    await issue(folder, 'middle', { name: 'test intermediate', issuer: 'root',
        extensions: ['basicConstraints = critical,CA:TRUE'], ...now });
    await issue(folder, 'good', { name: host, issuer: 'middle', extensions: leafOf(host), ...now });
    await issue(folder, 'wrong', { name: 'other.example.com', issuer: 'middle',
        extensions: leafOf('other.example.com'), ...now });
    await issue(folder, 'expired', { name: host, issuer: 'middle', extensions: leafOf(host),
        start: asn1Time(-30), end: asn1Time(-2) });
    await issue(folder, 'untrusted', { name: host, issuer: 'other', extensions: leafOf(host), ...now });
    const middle = await text('middle.pem');
    const leaf = async (file, chain) => ({ key: await text(`${file}.key`), cert: (await text(`${file}.pem`)) + chain });
    return {
        caFile: join(folder, 'root.pem'),
        leaf: {
            good: await leaf('good', middle),
            expired: await leaf('expired', middle),
            wrongName: await leaf('wrong', middle),
            selfSigned: await leaf('selfsigned', ''),
            incomplete: await leaf('good', ''),
            untrusted: await leaf('untrusted', ''),
        },
        remove: () => rm(folder, { recursive: true, force: true }),
    };
}
