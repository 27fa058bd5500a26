'use strict';

const { join } = require('node:path');

/** The addon, to read a socket's options by. */
module.exports = require('node-gyp-build')(join(__dirname, '..', '..', '..'));
