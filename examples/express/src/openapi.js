// What GET /openapi.json answers. Zod cannot say the rules that count code points, so the schema is written here.
const device = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'kind'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 100, pattern: '\\S' },
    kind: { enum: ['sensor', 'gateway', 'display'] },
    location: { type: 'string', maxLength: 500, default: '' },
    settings: { type: 'object', default: {} },
  },
};
const shown = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    ...device.properties,
    owner: { type: 'string' },
    created_at: { type: 'string', format: 'date-time' },
  },
};
const json = (schema) => ({ content: { 'application/json': { schema } } });
const reference = (name) => ({ $ref: `#/components/schemas/${name}` });
const error = (description) => ({ description, ...json(reference('Error')) });
const refusals = {
  400: error('The body is not valid.'),
  401: error('No valid token.'),
  403: error('It is not allowed.'),
};
const one = { 200: { description: 'The device.', ...json(reference('Device')) }, 404: error('No such device.') };
const body = { required: true, ...json(reference('NewDevice')) };

export const openapi = {
  openapi: '3.1.0',
  info: { title: 'Devices', version: '1.0.0' },
  security: [{ token: [] }],
  paths: {
    '/devices': {
      get: { responses: { 200: { description: 'Devices.', ...json({ type: 'array', items: reference('Device') }) } } },
      post: {
        requestBody: body,
        responses: {
          201: {
            description: 'The new device.',
            headers: { Location: { schema: { type: 'string' } } },
            ...json(reference('Device')),
          },
          409: error('The name is taken.'),
          ...refusals,
        },
      },
    },
    '/devices/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      get: { responses: one },
      put: { requestBody: body, responses: { ...one, ...refusals } },
      delete: { responses: { 204: { description: 'It is gone.' }, 404: error('No such device.'), ...refusals } },
    },
  },
  components: {
    schemas: {
      NewDevice: device,
      Device: shown,
      Error: { type: 'object', required: ['error'], properties: { error: { type: 'string' } } },
    },
    securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
  },
};
