// An HTTPS server over Multipath TCP that serves one file.
//   node server.mjs <key> <certificate> <file>
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import https from 'mptcp/https'; // the one line that differs from node:https

const [key, certificate, file] = process.argv.slice(2);

const server = https.createServer(
  { key: readFileSync(key), cert: readFileSync(certificate) },
  (request, response) => {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': statSync(file).size,
    });
    pipeline(createReadStream(file), response).catch((error) => console.error(error.message));
  },
);

server.listen(() => console.log(`listening on port ${server.address().port}`));
