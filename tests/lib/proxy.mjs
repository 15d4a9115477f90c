// SPDX-License-Identifier: Apache-2.0
//
// A TCP proxy that can hold back what the client sends, and pass it on after the client is gone: the network that
// delivers late; or lose the answers, or end the connections.
import net from 'node:net';

export class HoldingProxy {
    static async start(targetPort, targetHost = '127.0.0.1') {
        const proxy = new HoldingProxy();
        proxy.server = net.createServer((client) => proxy.#serve(client, targetPort, targetHost));
        await new Promise((resolve) => proxy.server.listen({ port: 0, host: '127.0.0.1' }, resolve));
        proxy.port = proxy.server.address().port;
        return proxy;
    }

    constructor() {
        this.isHolding = false;
        this.isMute = false;
        this.links = new Set();
    }

    #serve(client, port, host) {
        const upstream = net.connect({ port, host });
        const link = { client, upstream, held: [], isClientGone: false };
        this.links.add(link);
        client.on('data', (bytes) => {
            if (this.isHolding) {
                link.held.push(bytes);
            } else {
                upstream.write(bytes);
            }
        });
        client.on('error', () => {});
        client.on('close', () => {
            link.isClientGone = true;
            if (link.held.length === 0) {
                upstream.end();
            }
        });
        upstream.on('data', (bytes) => !link.isClientGone && !this.isMute && client.write(bytes));
        upstream.on('error', () => {});
        upstream.on('close', () => {
            this.links.delete(link);
            client.destroy();
        });
    }

    hold() {
        this.isHolding = true;
    }

    // What the target answers is lost from now on; what the client sends still arrives.
    mute() {
        this.isMute = true;
    }

    // Ends every connection; what was held is lost. New ones work.
    cut() {
        this.isHolding = false;
        this.isMute = false;
        for (const link of this.links) {
            link.held = [];
            link.client.destroy();
            link.upstream.destroy();
        }
    }

    heldBytes() {
        return Buffer.concat([...this.links].flatMap((link) => link.held));
    }

    // Passes on what was held; a link whose client is gone ends after that.
    release() {
        this.isHolding = false;
        for (const link of this.links) {
            for (const bytes of link.held) {
                link.upstream.write(bytes);
            }
            link.held = [];
            if (link.isClientGone) {
                link.upstream.end();
            }
        }
    }

    close() {
        for (const link of this.links) {
            link.client.destroy();
            link.upstream.destroy();
        }
        return new Promise((resolve) => this.server.close(resolve));
    }
}
