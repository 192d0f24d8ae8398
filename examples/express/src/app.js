import express from 'express';
import helmet from 'helmet';
import { ZodError } from 'zod';
import { devices } from './devices.js';
import { openapi } from './openapi.js';

export const app = express();
app.use(helmet());

// Node.js takes a second Host header without a word; RFC 9112 §3.2 wants 400.
app.use((req, res, next) => {
  if (req.headersDistinct.host?.length > 1) return res.status(400).json({ error: 'one Host header, please' });
  next();
});

// Without this, what is no UTF-8 is replaced without a word (RFC 8259 §8.1).
const utf8 = new TextDecoder('utf-8', { fatal: true });
const isText = (req, res, bytes) => {
  try {
    utf8.decode(bytes);
  } catch {
    throw Object.assign(new Error('the body is not UTF-8'), { status: 400 });
  }
};

app.use(express.json({ verify: isText }));
app.get('/openapi.json', (req, res) => res.json(openapi));
app.use('/devices', devices);
app.use((req, res) => res.status(404).json({ error: 'not found' }));

const UNIQUE_VIOLATION = '23505';

app.use((error, req, res, next) => {
  if (res.headersSent) return next(error);
  if (error instanceof ZodError) {
    return res.status(400).json({ error: 'the body is not valid', issues: error.issues });
  }
  if (error.code === UNIQUE_VIOLATION) {
    return res.status(409).json({ error: 'there is a device with this name' });
  }
  if (error.status >= 400 && error.status < 500) {
    return res.status(error.status).json({ error: error.message });
  }
  console.error(error);
  res.status(500).json({ error: 'internal error' });
});
