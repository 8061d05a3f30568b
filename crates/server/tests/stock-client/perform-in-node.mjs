// Usage: node perform-in-node.mjs <the stagehand's address>

import { io } from "socket.io-client";

import { perform } from "./perform.mjs";

await perform(io, process.argv[2]);
process.exit();
