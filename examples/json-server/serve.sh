#!/usr/bin/env bash
# json-server 0.17.4 on 127.0.0.1:3000 until Ctrl-C, installed into the folder that is named. Usage: serve.sh FOLDER
set -euo pipefail
mkdir -p "$1" && cd "$1"
npm install --silent --no-save json-server@0.17.4
echo '{"posts": []}' > db.json
exec node_modules/.bin/json-server --host 127.0.0.1 --port 3000 --quiet db.json
