// Downloads a file by HTTPS over Multipath TCP, and reports its progress as lines of JSON.
//   node client.mjs <url> <certificate to trust> <file>
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { capabilities, connectionOf } from 'mptcp';
import https from 'mptcp/https'; // as node:https

const REPORT_INTERVAL = 100; // ms

const [url, certificate, file] = process.argv.slice(2);
const { mptcp } = await capabilities();
const start = performance.now();
const [response] = await once(https.get(url, { ca: readFileSync(certificate) }), 'response');
if (response.statusCode !== 200) throw new Error(`${url}: status ${response.statusCode}`);

const connection = connectionOf(response);
const size = Number(response.headers['content-length']);
let received = 0;
let longestStall = 0; // ms without data
let last = performance.now();

function report() {
  const { status } = connection;
  const subflows = mptcp ? connection.subflows() : [];
  const time = performance.now() - start;
  console.log(JSON.stringify({ time, size, received, longestStall, status, subflows }));
}

const timer = setInterval(report, REPORT_INTERVAL);
response.on('data', (chunk) => {
  const now = performance.now();
  longestStall = Math.max(longestStall, now - last);
  last = now;
  received += chunk.length;
});
response.on('end', report);
await pipeline(response, createWriteStream(file));
clearInterval(timer);
