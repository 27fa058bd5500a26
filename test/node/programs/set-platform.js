'use strict';

// For --require: the process believes that it runs on $PLATFORM.
Object.defineProperty(process, 'platform', { value: process.env.PLATFORM });
