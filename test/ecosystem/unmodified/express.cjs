// An app without any MPTCP code.
const express = require('express');

const app = express();
app.get('/', (req, res) => res.json({ hello: 'world' }));
app.post('/echo', (req, res) => req.pipe(res));

const server = app.listen(0, () => console.log(`http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => server.close());
