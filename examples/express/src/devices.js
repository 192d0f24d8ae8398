import { Router } from 'express';
import { authenticated, permitted } from './auth.js';
import { pool } from './database.js';
import { deviceSchema } from './schemas.js';

export const devices = Router();
devices.use(authenticated);

const COLUMNS = 'id::text, name, kind, location, settings, owner, created_at';
const write = permitted('devices:write');

// Ids are bigint; others are ids of nothing.
devices.param('id', (req, res, next, id) => {
  if (!/^[1-9]\d{0,17}$/.test(id)) return res.status(404).json({ error: 'no such device' });
  next();
});

devices.post('/', write, async (req, res) => {
  const { name, kind, location, settings } = deviceSchema.parse(req.body);
  const { rows } = await pool.query(
    `INSERT INTO devices (name, kind, location, settings, owner) VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`,
    [name, kind, location, settings, req.auth.sub],
  );
  res.status(201).location(`${req.baseUrl}/${rows[0].id}`).json(rows[0]);
});

devices.get('/', async (req, res) => {
  const limit = Math.min(Math.max(Number.parseInt(req.query.limit, 10) || 20, 1), 100);
  const after = /^\d{1,18}$/.test(req.query.after) ? req.query.after : '0';
  const { rows } = await pool.query(
    `SELECT ${COLUMNS} FROM devices WHERE id > $1 ORDER BY devices.id LIMIT $2`, [after, limit],
  );
  res.json(rows);
});

devices.get('/:id', async (req, res) => {
  const { rows } = await pool.query(`SELECT ${COLUMNS} FROM devices WHERE id = $1`, [req.params.id]);
  if (rows.length === 0) return res.status(404).json({ error: 'no such device' });
  res.json(rows[0]);
});

// Only its owner may change a device.
const owned = async (req, res, next) => {
  const { rows } = await pool.query('SELECT owner FROM devices WHERE id = $1', [req.params.id]);
  if (rows.length === 0) return res.status(404).json({ error: 'no such device' });
  if (rows[0].owner !== req.auth.sub) return res.status(403).json({ error: 'only its owner may change a device' });
  next();
};

devices.put('/:id', write, owned, async (req, res) => {
  const { name, kind, location, settings } = deviceSchema.parse(req.body);
  const { rows } = await pool.query(
    `UPDATE devices SET name = $2, kind = $3, location = $4, settings = $5 WHERE id = $1 RETURNING ${COLUMNS}`,
    [req.params.id, name, kind, location, settings],
  );
  if (rows.length === 0) return res.status(404).json({ error: 'no such device' });
  res.json(rows[0]);
});

devices.delete('/:id', write, owned, async (req, res) => {
  await pool.query('DELETE FROM devices WHERE id = $1', [req.params.id]);
  res.status(204).end();
});

const only = (...methods) => (req, res) => res.set('Allow', methods.join(', ')).status(405).json({ error: 'not allowed' });
devices.all('/', only('GET', 'HEAD', 'POST'));
devices.all('/:id', only('GET', 'HEAD', 'PUT', 'DELETE'));
