#!/usr/bin/env bash
# The service on 127.0.0.1:8103 until Ctrl-C, installed into the folder that is named.
# Usage: DATABASE_URL=postgresql://user:password@host/database serve.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && folder=$(cd "$1" && pwd)
: "${DATABASE_URL:?names an empty PostgreSQL database}"
if [ ! -e "$folder/node_modules/express" ]; then
  cp -r "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$here/schema.sql" "$here/src" "$folder"
  npm --prefix "$folder" ci --no-audit --no-fund --loglevel=error
fi
# The issuer of the access tokens. The service knows its public key only; createflow makes tokens with the private one.
[ -e "$folder/issuer.pem" ] || openssl genrsa -out "$folder/issuer.pem" 2048 2>/dev/null
JWT_PUBLIC_KEY=$(openssl rsa -in "$folder/issuer.pem" -pubout 2>/dev/null)
export JWT_PUBLIC_KEY JWT_ISSUER=https://issuer.example JWT_AUDIENCE=devices NODE_ENV=production
cd "$folder"
node src/migrate.js
echo "export ISSUER_KEY_FILE=$folder/issuer.pem DATABASE_URL=$DATABASE_URL"
exec node "${APP:-src/server.js}"
