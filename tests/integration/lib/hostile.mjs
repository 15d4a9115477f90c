// SPDX-License-Identifier: Apache-2.0
//
// hostile.mjs - receivers that misbehave, one path per trick; for tests of what sends.
//
//   const bad = await start();                     plain TCP; start({ tls: pki.leaf }) adds TLS ports
//   bad.port, bad.url('/silent')                   http://127.0.0.1:PORT/silent
//   bad.tlsPort.good, .expired, .wrongName, .selfSigned, .incomplete, .untrusted, .oldTls (1.0 only),
//   bad.tlsPort.stall (accepts, never speaks), .plain (speaks no TLS)
//   bad.requests                                   [{ path, headers, body, socket }] as they came whole
//   bad.sent('/endless-body')                      bytes written in answer to that path
//   await bad.close()
//
// The paths are the keys of `tricks`. Every other path answers 200 "ok", /status/NNN that status.

import net from 'node:net';
import tls from 'node:tls';
import zlib from 'node:zlib';

const BLOCK = 64 * 1024;
const DRIP_MS = 200;

// Write a block again and again, as fast as the other side takes it, until it hangs up.
function pour(socket, block, isOver = () => false) {
    const next = () => {
        while (!socket.destroyed && !isOver()) {
            if (!socket.write(block)) {
                socket.once('drain', next);
                return;
            }
        }
        if (isOver()) {
            socket.end();
        }
    };
    next();
}

function drip(socket, text) {
    let at = 0;
    const timer = setInterval(() => {
        socket.write(text[at % text.length]);
        at++;
    }, DRIP_MS);
    socket.once('close', () => clearInterval(timer));
}

function answer(socket, { status = '200 OK', headers = '', body = 'ok' } = {}) {
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`);
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

function lines(count) {
    return Array.from({ length: count }, (_, i) => `X-Line-${i}: ${i}\r\n`).join('');
}

export const tricks = {
    // Heads
    '/endless-headers': (s) => {
        s.write('HTTP/1.1 200 OK\r\n');
        pour(s, 'X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(1000));
    },
    '/flood-100': (s) => pour(s, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000)),
    '/flood-103': (s) => pour(s, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1000)),
    '/long-header-line': (s) => {
        let left = (10 * 1024 * 1024) / BLOCK;
        s.write('HTTP/1.1 200 OK\r\nX-Long: ');
        pour(s, 'a'.repeat(BLOCK), () => left-- <= 0);
    },
    '/many-header-lines': (s) => answer(s, { headers: lines(150) }),
    '/ninety-header-lines': (s) => answer(s, { headers: lines(90) }),
    '/nul-in-header': (s) => answer(s, { headers: 'X-Nul: a\0b\r\n' }),
    '/byte-ff-in-header': (s) => {
        s.write('HTTP/1.1 200 OK\r\nX-Bytes: ');
        s.write(Buffer.from([0xff, 0xfe, 0x80]));
        s.write('\r\nContent-Length: 2\r\n\r\nok');
    },
    '/negative-length': (s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello'),
    '/two-lengths': (s) => s.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'),
    '/status-000': (s) => answer(s, { status: '000 Nothing' }),
    '/status-999': (s) => answer(s, { status: '999 Denied' }),
    '/switching': (s) => s.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
    '/http09': (s) => s.end('<html>hello</html>\n'),
    '/http10': (s) => s.end('HTTP/1.0 200 OK\r\n\r\nok until the end'),
    '/garbage': (s) => s.end(Buffer.from('\x15\x03\x01\x00\x02\x02\x46garbage', 'latin1')),
    '/continue-first': (s) => {
        s.write('HTTP/1.1 100 Continue\r\n\r\n');
        answer(s);
    },
    // Bodies
    '/endless-body': (s) => {
        s.write(CHUNKED);
        pour(s, `${BLOCK.toString(16)}\r\n${'b'.repeat(BLOCK)}\r\n`);
    },
    '/endless-body-close': (s) => {
        s.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
        pour(s, 'b'.repeat(BLOCK));
    },
    '/huge-length': (s) => {
        s.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n');
        pour(s, 'b'.repeat(BLOCK));
    },
    '/body-of-5000': (s) => answer(s, { body: 'b'.repeat(5000) }),
    '/endless-trailers': (s) => {
        s.write(`${CHUNKED}2\r\nok\r\n0\r\n`);
        pour(s, 'X-Trailer: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(1000));
    },
    '/endless-chunk-extension': (s) => {
        s.write(`${CHUNKED}2;x=`);
        pour(s, 'e'.repeat(BLOCK));
    },
    '/bad-chunk': (s) => s.end(`${CHUNKED}zz\r\nok\r\n0\r\n\r\n`),
    '/short-body': (s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort'),
    '/gzip-bomb': (s) => {
        const body = zlib.gzipSync(Buffer.alloc(50 * 1024 * 1024));
        s.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`);
        s.write(body);
    },
    // Time
    '/silent': () => {},
    '/drip-head': (s) => drip(s, 'HTTP/1.1 200 OK\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),
    '/drip-body': (s) => {
        s.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
        drip(s, 'x');
    },
    // Connections
    '/close': (s) => s.end(),
    '/reset': (s) => s.resetAndDestroy(),
    '/reset-after-head': (s) => {
        s.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome', () => setTimeout(() => s.resetAndDestroy(), 20));
    },
    // The first request of a connection is answered; the next one is read whole, then the connection dies.
    '/keep-alive-dies': (s, { nth }) => {
        if (nth === 1) {
            answer(s);
        } else {
            s.destroy();
        }
    },
    // Redirects
    '/redirect': (s) => answer(s, { status: '302 Found', headers: 'Location: http://169.254.169.254/latest/\r\n' }),
    '/redirect-loop': (s) => answer(s, { status: '307 Temporary Redirect', headers: 'Location: /redirect-loop\r\n' }),
    '/retry-after': (s) => answer(s, { status: '429 Too Many Requests', headers: 'Retry-After: 7\r\n' }),
};

function route(socket, request) {
    const trick = tricks[request.path];
    if (trick !== undefined) {
        trick(socket, request);
    } else if (/^\/status\/\d{3}$/.test(request.path)) {
        answer(socket, { status: `${request.path.slice(8)} Asked For` });
    } else {
        answer(socket);
    }
}

// Requests with Content-Length, one after the other; whole ones go to onRequest.
function serve(socket, onRequest) {
    let pending = Buffer.alloc(0);
    let nth = 0;
    socket.on('error', () => {});
    socket.on('data', (piece) => {
        pending = Buffer.concat([pending, piece]);
        for (;;) {
            const end = pending.indexOf('\r\n\r\n');
            if (end < 0) {
                return;
            }
            const [first, ...rest] = pending.toString('latin1', 0, end).split('\r\n');
            const headers = Object.fromEntries(
                rest.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
            );
            const size = Number(headers['content-length'] ?? 0);
            if (pending.length < end + 4 + size) {
                return;
            }
            const [method, path] = first.split(' ');
            const body = pending.subarray(end + 4, end + 4 + size);
            pending = pending.subarray(end + 4 + size);
            nth++;
            onRequest({ method, path, headers, body, nth });
        }
    });
}

const TLS_ROWS = {
    good: (leaf) => leaf.good,
    expired: (leaf) => leaf.expired,
    wrongName: (leaf) => leaf.wrongName,
    selfSigned: (leaf) => leaf.selfSigned,
    incomplete: (leaf) => leaf.incomplete,
    untrusted: (leaf) => leaf.untrusted,
    oldTls: (leaf) => ({ ...leaf.good, minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
};

export async function start({ tls: leaf } = {}) {
    const requests = [];
    const sentBy = new Map();
    const sockets = new Set();
    const servers = [];
    const listen = async (server) => {
        servers.push(server);
        await new Promise((resolve, reject) => {
            server.once('error', reject);
            server.listen(0, '127.0.0.1', resolve);
        });
        return server.address().port;
    };
    const track = (socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
    };
    const onSocket = (socket) => {
        let path = '';
        track(socket);
        socket.on('close', () => sentBy.set(path, (sentBy.get(path) ?? 0) + socket.bytesWritten));
        serve(socket, (request) => {
            path = request.path;
            requests.push({ ...request, socket });
            route(socket, request);
        });
    };
    const port = await listen(net.createServer({ noDelay: true }, onSocket));
    const tlsPort = {};
    if (leaf !== undefined) {
        for (const [name, options] of Object.entries(TLS_ROWS)) {
            const server = tls.createServer(options(leaf), onSocket);
            server.on('connection', track);
            server.on('tlsClientError', () => {});
            tlsPort[name] = await listen(server);
        }
        tlsPort.stall = await listen(net.createServer(track));
        tlsPort.plain = port;
    }
    return {
        port,
        tlsPort,
        requests,
        url: (path) => `http://127.0.0.1:${port}${path}`,
        sent: (path) => sentBy.get(path) ?? 0,
        connections: () => sockets.size,
        async close() {
            for (const socket of sockets) {
                socket.destroy();
            }
            await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
        },
    };
}
