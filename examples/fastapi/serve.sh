#!/usr/bin/env bash
# The service on 127.0.0.1:8101 until Ctrl-C, installed into the folder that is named.
# Usage: DATABASE_URL=postgresql://user:password@host/database serve.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && folder=$(cd "$1" && pwd)
: "${DATABASE_URL:?names an empty PostgreSQL database}"
if [ ! -x "$folder/bin/gunicorn" ]; then
  python3 -m venv --without-pip "$folder"
  python3 -m pip --python "$folder/bin/python" install --quiet --requirement "$here/requirements.txt"
fi
# The issuer of the access tokens. The service knows its public key only; createflow makes tokens with the private one.
[ -e "$folder/issuer.pem" ] || openssl genrsa -out "$folder/issuer.pem" 2048 2>/dev/null
JWT_PUBLIC_KEY=$(openssl rsa -in "$folder/issuer.pem" -pubout 2>/dev/null)
export JWT_PUBLIC_KEY JWT_ISSUER=https://issuer.example JWT_AUDIENCE=projects
cd "$here"
"$folder/bin/alembic" upgrade head
echo "export ISSUER_KEY_FILE=$folder/issuer.pem DATABASE_URL=$DATABASE_URL"
exec "$folder/bin/gunicorn" "${APP:-app.main:app}" --worker-class asgi --workers 2 --no-control-socket \
  --log-level warning --bind "127.0.0.1:${PORT:-8101}"
