// This package's net, with the congestion control that the route or the system says.
'use strict';

const net = require('../../dist/net.js');

const mptcp = { hints: { congestionControl: 'system' } };
module.exports = {
  createServer: (listener) => net.createServer({ mptcp }, listener),
  connect: (port, host) => net.connect({ port, host, mptcp }),
};
