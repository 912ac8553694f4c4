import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Page } from 'playwright/test';

/** One path through the network: from an address of the browser, over its own socket, to a media node. */
interface Path {
  readonly up: Socket;
  alive: boolean;
}

/**
 * A network between a page and the media nodes that can fail. UDP passes through here. A cut path stays dead, as
 * after a change of networks, but new paths from other ports of the browser work.
 */
export class MediaRelay {
  readonly #down = new Map<number, Promise<Socket>>();
  readonly #paths = new Map<string, Path>();
  /** Whether new paths are dead as well. */
  isDown = false;
  /** Delay of packets, each way. */
  delayMs = 0;

  /** Puts the relay between `page` and the media nodes; call it before the page opens. */
  async between(page: Page): Promise<void> {
    await page.exposeFunction('relayedPort', async (port: number) => (await this.#listenFor(port)).address().port);
    await page.addInitScript(() => {
      const { relayedPort } = globalThis as unknown as { relayedPort: (port: number) => Promise<number> };
      const native: (description: RTCSessionDescriptionInit) => Promise<void> =
        RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = async function (description: RTCSessionDescriptionInit) {
        const lines: string[] = [];
        for (const line of (description.sdp ?? '').split('\r\n')) {
          const found = /^(a=candidate:\S+ \d+ udp \d+ \S+ )(\d+)( .*)$/i.exec(line);
          if (found) lines.push(`${found[1]}${await relayedPort(Number(found[2]))}${found[3]}`);
          // Remove all other candidates, so that no path bypasses the relay.
          else if (!line.startsWith('a=candidate:')) lines.push(line);
        }
        return native.call(this, { type: description.type, sdp: lines.join('\r\n') });
      };
    });
  }

  /** Cuts every existing path. Returns their number. */
  cut(): number {
    const alive = [...this.#paths.values()].filter((path) => path.alive);
    for (const path of alive) path.alive = false;
    return alive.length;
  }

  async close(): Promise<void> {
    this.cut();
    for (const { up } of this.#paths.values()) up.close();
    for (const down of this.#down.values()) (await down).close();
  }

  #listenFor(port: number): Promise<Socket> {
    const known = this.#down.get(port);
    if (known) return known;
    const listening = this.#listen(port);
    this.#down.set(port, listening);
    return listening;
  }

  async #listen(port: number): Promise<Socket> {
    const down = createSocket('udp4');
    down.on('message', (packet, from) => {
      const path = this.#pathOf(`${from.address}:${from.port}>${port}`, (answer) =>
        down.send(answer, from.port, from.address),
      );
      this.#later(path, () => path.up.send(packet, port, '127.0.0.1'));
    });
    down.bind(0, '127.0.0.1');
    await once(down, 'listening');
    return down;
  }

  #later(path: Path, pass: () => void): void {
    if (!path.alive) return;
    if (this.delayMs === 0) return pass();
    setTimeout(() => {
      if (path.alive) pass();
    }, this.delayMs);
  }

  #pathOf(name: string, back: (packet: Buffer) => void): Path {
    const known = this.#paths.get(name);
    if (known) return known;
    const path: Path = { up: createSocket('udp4'), alive: !this.isDown };
    path.up.on('message', (packet) => {
      this.#later(path, () => back(packet));
    });
    this.#paths.set(name, path);
    return path;
  }
}
