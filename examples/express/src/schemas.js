import { z } from 'zod';

// PostgreSQL stores neither NUL nor half of a surrogate pair in text.
const isStorable = (text) => !/\0|\p{Surrogate}/u.test(text);

// JSON.parse makes Infinity of 1e400, and JSON.stringify makes null of that.
const isKept = (value) => {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value !== 'object'
    || Object.entries(value).every(([key, item]) => isStorable(key) && isKept(item));
};

// Not z.record(), which leaves out a key "__proto__".
const settings = z.custom(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isKept(value),
  'must be an object',
);

// Lengths count code points, as JSON Schema does; z.string().max() counts UTF-16 units.
const text = (least, most) => z.string().refine(
  (value) => isStorable(value) && [...value].length >= least && [...value].length <= most,
  `must have ${least} to ${most} characters`,
);

export const deviceSchema = z.strictObject({
  name: text(1, 100).refine((value) => value.trim() !== '', 'must not be blank'),
  kind: z.enum(['sensor', 'gateway', 'display']),
  location: text(0, 500).default(''),
  settings: settings.default({}),
});
