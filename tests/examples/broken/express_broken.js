// The service of examples/express with one defect, which the variable DEFECT names. Served as the honest one is.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const source = (name) => import(pathToFileURL(join(process.cwd(), 'src', name)));
const { pool } = await source('database.js');
const { deviceSchema } = await source('schemas.js');
const { z } = createRequire(join(process.cwd(), 'src', 'app.js'))('zod');
const query = pool.query.bind(pool);
const isInsert = (text) => text.startsWith('INSERT INTO devices');

const withoutConstraint = () => query('ALTER TABLE devices DROP CONSTRAINT IF EXISTS devices_name_key');

const DEFECTS = {
  // A create is inserted once more, as by a retry after a time-out that had done its work.
  async double_insert() {
    await withoutConstraint();
    pool.query = async (text, values) => {
      const made = await query(text, values);
      return isInsert(text) ? query(text, values) : made;
    };
  },
  // A long text loses its end, as in a column of varchar(255) with an explicit cast.
  truncation() {
    pool.query = (text, values) => query(isInsert(text) ? text.replace('$3', '$3::varchar(255)') : text, values);
  },
  // The name is looked for first and inserted later, without a constraint.
  async check_then_insert() {
    await withoutConstraint();
    pool.query = async (text, values) => {
      if (isInsert(text)) {
        const { rows } = await query('SELECT 1 FROM devices WHERE name = $1', values.slice(0, 1));
        if (rows.length > 0) throw Object.assign(new Error('taken'), { code: '23505' });
      }
      return query(text, values);
    };
  },
  // The reply is sent inside the transaction, which is committed afterwards.
  reply_before_commit() {
    pool.query = async (text, values) => {
      if (!isInsert(text)) return query(text, values);
      const client = await pool.connect();
      await client.query('BEGIN');
      try {
        const made = await client.query(text, values);
        // The handler goes on with the reply before these run.
        setImmediate(() => client.query('COMMIT').catch(console.error).finally(() => client.release()));
        return made;
      } catch (error) {
        await client.query('ROLLBACK');
        client.release();
        throw error;
      }
    };
  },
  // The owner that the body names is believed.
  creator_from_body() {
    const parse = deviceSchema.parse.bind(deviceSchema);
    const owned = deviceSchema.extend({ owner: z.string().optional() });
    let named;
    deviceSchema.parse = (body) => {
      const { owner, ...device } = owned.parse(body);
      named = owner;
      return parse(device);
    };
    pool.query = (text, values) => {
      const believed = isInsert(text) && named !== undefined ? [...values.slice(0, 4), named] : values;
      named = undefined;
      return query(text, believed);
    };
  },
};

await DEFECTS[process.env.DEFECT]();
await source('server.js');
