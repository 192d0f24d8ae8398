#!/usr/bin/env bash
# The service on localhost:8102 until Ctrl-C, installed into the folder that is named.
# Usage: DATABASE_URL=postgresql://user:password@host/database serve.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && folder=$(cd "$1" && pwd)
: "${DATABASE_URL:?names an empty PostgreSQL database}"
if [ ! -x "$folder/bin/gunicorn" ]; then
  python3 -m venv --without-pip "$folder"
  python3 -m pip --python "$folder/bin/python" install --quiet --requirement "$here/requirements.txt"
fi
[ -e "$folder/secret" ] || openssl rand -hex 32 > "$folder/secret"
SECRET_KEY=$(cat "$folder/secret")
export SECRET_KEY
cd "$here"
"$folder/bin/python" manage.py migrate --verbosity 0
"$folder/bin/python" manage.py make_users
echo "export DATABASE_URL=$DATABASE_URL"
exec "$folder/bin/gunicorn" "${APP:-config.wsgi}" --workers 2 --threads 8 --no-control-socket \
  --log-level warning --bind "127.0.0.1:${PORT:-8102}"
