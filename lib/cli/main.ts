#!/usr/bin/env node
/** The program `mptcp`. */
import { run } from './program';

void run(process.argv.slice(2), process);
