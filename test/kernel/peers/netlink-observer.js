'use strict';

// Reads mptcp_pm by the npm package `netlink`, to compare with what this package reads. Prints a JSON
// line for each event, and for each line of input the current endpoints and limits.

const { createInterface } = require('node:readline');
const { createGenericNetlink, FlagsGet, genl } = require('netlink');

const FAMILY = 'mptcp_pm';
const GET_ADDR = 3;
const GET_LIMITS = 6;
const ADDR = 1;
const RCV_ADD_ADDRS = 2;
const SUBFLOWS = 3;

/** The payloads of netlink attributes, by their type. */
function attributes(data) {
  const found = new Map();
  for (let at = 0; at + 4 <= data.length;) {
    const length = data.readUInt16LE(at);
    found.set(data.readUInt16LE(at + 2) & 0x3fff, data.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

const text = (v4, v6) =>
  v4
    ? v4.join('.')
    : v6
        ?.toString('hex')
        .match(/..../g)
        .map((word) => word.replace(/^0+(?=.)/, ''))
        .join(':');

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

function report({ cmd, data }) {
  const found = attributes(data);
  const [localPort, remotePort] = [9, 10].map((type) => found.get(type)?.readUInt16BE());
  print({
    event: cmd,
    token: found.get(1)?.readUInt32LE(),
    local: text(found.get(5), found.get(6)),
    remote: text(found.get(7), found.get(8)),
    ...{ localPort, remotePort },
  });
}

async function main() {
  const socket = createGenericNetlink();
  const [family] = await socket.ctrlRequest(genl.Commands.GET_FAMILY, { familyName: FAMILY });
  const { id } = family.mcastGroups.find(({ name }) => name === 'mptcp_pm_events');

  const events = createGenericNetlink({ ref: true });
  events.on('message', (messages) => messages.forEach(report));
  events.socket.addMembership(id);

  createInterface({ input: process.stdin })
    .on('line', async () => {
      const flags = FlagsGet.DUMP;
      const [messages] = await socket.request(family.familyId, GET_ADDR, 1, [], { flags });
      const endpoints = messages.map(({ data }) => {
        const found = attributes(attributes(data).get(ADDR));
        return {
          id: found.get(2).readUInt8(),
          address: text(found.get(3), found.get(4)),
          flags: found.get(6)?.readUInt32LE() ?? 0,
          interface: found.get(7)?.readInt32LE() ?? 0,
        };
      });
      const [limits] = await socket.request(family.familyId, GET_LIMITS, 1, []);
      const values = attributes(limits[0].data);
      print({
        endpoints,
        limits: {
          addAddrAccepted: values.get(RCV_ADD_ADDRS).readUInt32LE(),
          subflows: values.get(SUBFLOWS).readUInt32LE(),
        },
      });
    })
    .on('close', () => process.exit());
  print({ ready: true });
}

main();
