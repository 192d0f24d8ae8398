import { createPublicKey } from 'node:crypto';
import { errors, jwtVerify } from 'jose';

// Access tokens (RFC 9068) of an issuer that signs with RS256.
const key = createPublicKey(process.env.JWT_PUBLIC_KEY);
const rules = {
  algorithms: ['RS256'],
  issuer: process.env.JWT_ISSUER,
  audience: process.env.JWT_AUDIENCE,
  typ: 'at+jwt',
  requiredClaims: ['exp', 'sub'],
};

const unauthenticated = (res, challenge, error) =>
  res.status(401).set('WWW-Authenticate', challenge).json({ error });

export const authenticated = async (req, res, next) => {
  const [, token] = /^Bearer +(\S+)$/i.exec(req.get('Authorization') ?? '') ?? [];
  if (!token) return unauthenticated(res, 'Bearer', 'a bearer token is required');
  try {
    req.auth = (await jwtVerify(token, key, rules)).payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return unauthenticated(res, 'Bearer error="invalid_token"', 'the token is not valid');
  }
  next();
};

export const permitted = (permission) => (req, res, next) => {
  if (!req.auth.permissions?.includes(permission)) {
    return res.status(403).json({ error: `permission ${permission} is missing` });
  }
  next();
};
