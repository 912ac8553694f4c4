/** A bare WebSocket server that echoes every message: `node echo-process.ts PORT`. */
import { WebSocketServer } from 'ws';

process.on('disconnect', () => process.exit(0));
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]) });
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => {});
});
server.on('listening', () => process.send?.('ready'));
