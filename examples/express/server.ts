import type { AddressInfo } from 'node:net';
import express from 'express';
import { OpenViduRole, Rejoin, RejoinApiError } from 'rejoin/node-client';
import { findCluster } from './cluster.js';

const { url, secret } = findCluster();
const rejoin = new Rejoin(url, secret);
const app = express();

/** Gives a token for one participant: `{ room, name }` → `{ token }`. */
app.post('/token', express.json({ limit: '1kb' }), async (request, response) => {
  // Your login belongs here. Take the name from the user's login, and refuse rooms that are not the user's.
  const { room, name }: { room?: unknown; name?: unknown } = request.body ?? {};
  if (typeof room !== 'string' || !/^[\w-]{1,128}$/.test(room) || typeof name !== 'string' || name.length > 100) {
    response
      .status(400)
      .json({ error: 'A room has 1 to 128 letters, digits, "-" or "_", a name up to 100 characters.' });
    return;
  }
  try {
    const session = await rejoin.createSession({ customSessionId: room });
    // The other participants read the name in `connection.data`. They can trust it because it comes from this server.
    const connection = await session.createConnection({ role: OpenViduRole.PUBLISHER, data: name });
    response.json({ token: connection.token });
  } catch (error) {
    if (!(error instanceof RejoinApiError)) throw error;
    console.error(`${error.name} ${error.code}: ${error.message} ${error.action}`);
    // The browser SDK asks again after a 503. Never pass a 401 or 403 of the cluster on: it would tell the SDK to give up.
    response.status(503).json({ error: 'There is no token at the moment.' });
  }
});

// The pages and the token share an origin, so that no other site can ask for tokens and no CORS is needed.
for (const folder of process.argv.slice(2)) app.use(express.static(folder));

// Only this machine reaches it. Behind a proxy with HTTPS, set HOST to the address that the proxy uses.
const server = app.listen(Number(process.env['PORT'] ?? 3000), process.env['HOST'] ?? '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`Open http://localhost:${(server.address() as AddressInfo).port} in two tabs.`);
});
