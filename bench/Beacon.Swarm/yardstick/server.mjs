// Relays signals between sockets by their ids: what a signalling server on socket.io does, and no more.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false });
const sockets = new Map();

io.on('connection', (socket) => {
  sockets.set(socket.id, socket);
  socket.on('signal', ({ to, candidate }) => sockets.get(to)?.emit('signal', { from: socket.id, candidate }));
  socket.on('disconnect', () => sockets.delete(socket.id));
});

http.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
