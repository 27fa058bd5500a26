'use strict';

/** Makes MPTCP sockets fail with the errno of the variable ERRNO, as filters of system calls do. */
const native = require('../support/native');

native.openSocket = () => {
  const errno = Number(process.env.ERRNO);
  throw Object.assign(new Error('socket: refused'), { errno, call: 'socket' });
};
