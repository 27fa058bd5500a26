'use strict';

const { join } = require('node:path');

/** The addon, to read the options of sockets. */
module.exports = require('node-gyp-build')(join(__dirname, '..', '..', '..'));
