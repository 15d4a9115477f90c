// SPDX-License-Identifier: Apache-2.0
//
// The store of a test server: TEST_STORE=sqlite (default) or postgres. For PostgreSQL each server gets a
// fresh database in one throwaway cluster: TEST_POSTGRES_URL (scripts/with-postgres), or one of our own.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SCRIPT = path.join(HERE, 'postgres.sh');

export const STORE = process.env.TEST_STORE ?? 'sqlite';
if (!['sqlite', 'postgres'].includes(STORE)) {
    throw new Error(`TEST_STORE is sqlite or postgres, not ${STORE}`);
}

export function postgresBin() {
    const folders = [process.env.POSTGRES_BIN ?? ''];
    if (existsSync('/usr/lib/postgresql')) {
        for (const version of readdirSync('/usr/lib/postgresql').sort().reverse()) {
            folders.push(`/usr/lib/postgresql/${version}/bin`);
        }
    }
    const found = folders.find((folder) => folder && existsSync(path.join(folder, 'initdb')));
    if (!found) {
        throw new Error('no PostgreSQL server here: scripts/bootstrap test');
    }
    return found;
}

// A cluster of its own, which may be crashed and brought up again.
export class Cluster {
    static start(settings = []) {
        const args = ['start', ...settings.flatMap((setting) => ['-c', setting])];
        const text = execFileSync(SCRIPT, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
        const cluster = new Cluster();
        for (const [, name, value] of text.matchAll(/^export (\w+)='(.*)'$/gm)) {
            cluster[{ TEST_POSTGRES_URL: 'url', TEST_POSTGRES_TCP_URL: 'tcpUrl', TEST_POSTGRES_DIR: 'dir' }[name]] = value;
        }
        process.once('exit', () => cluster.stop());
        return cluster;
    }

    run(verb) {
        execFileSync(SCRIPT, [verb, this.dir], { stdio: ['ignore', 'ignore', 'inherit'] });
    }

    crash() {
        this.run('crash');
    }

    up() {
        this.run('up');
    }

    stop() {
        if (!this.stopped) {
            this.stopped = true;
            this.run('stop');
        }
    }
}

let own;

export function clusterUrl() {
    if (process.env.TEST_POSTGRES_URL) {
        return process.env.TEST_POSTGRES_URL;
    }
    own ??= Cluster.start();
    return own.url;
}

// The same URL with another database name.
export function withDatabase(url, name) {
    return url.replace(/^(postgres(?:ql)?:\/\/[^/]*\/)[^?]*/, `$1${name}`);
}

export function sql(url, text) {
    const psql = path.join(postgresBin(), 'psql');
    return execFileSync(psql, ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', text], {
        encoding: 'utf8',
        cwd: '/',
    }).trim();
}

// A fresh database; its URL. `drop()` of the answer removes it again.
export function freshDatabase(clusterAt = clusterUrl()) {
    const name = `t_${randomBytes(6).toString('hex')}`;
    sql(clusterAt, `CREATE DATABASE ${name}`);
    return {
        url: withDatabase(clusterAt, name),
        drop: () => sql(clusterAt, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    };
}

const RUN_SQLITE = `import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as db: db.execute(sys.argv[2])`;

// Change the store of a running server as nobody should.
export function behindItsBack(server, statement) {
    if (server.database) {
        sql(server.database.url, statement);
        return;
    }
    execFileSync('python3', ['-c', RUN_SQLITE, path.join(server.dir, 'postern.db'), statement]);
}
