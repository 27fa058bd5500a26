'use strict';

// For --require: sets process.platform to $PLATFORM.
Object.defineProperty(process, 'platform', { value: process.env.PLATFORM });
