// Somebody who comes while the database is down. This page does nothing about it: the client library
// is left to itself. Prints each thing that happens to it, until it is connected.
// Usage: node outage.mjs <url> <token> <transports, comma between>

import { io } from "socket.io-client";

const [url, token, transports] = process.argv.slice(2);
const socket = io(`${url}/messaging`, { auth: { token }, transports: transports.split(",") });

socket.on("disconnect", (reason) => console.log(`disconnect: ${reason}`));
socket.on("connect_error", (error) => console.log(`connect_error: ${error.message}`));
socket.on("connect", () => {
  console.log("connect");
  socket.disconnect();
});
