#!/usr/bin/env bash
# Kinto 26.5.0 on 127.0.0.1:8888 until Ctrl-C, installed into the folder that is named. Usage: serve.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python3 -m venv "$1"
"$1/bin/pip" install --quiet kinto==26.5.0
"$1/bin/kinto" start --ini "$here/kinto.ini" --port 8888 &
trap 'kill %1' EXIT
for user in writer reader; do
  curl --silent --show-error --retry 20 --retry-connrefused --retry-delay 1 --output /dev/null \
    --request PUT "http://127.0.0.1:8888/v1/accounts/$user" \
    --header 'Content-Type: application/json' --data "{\"data\": {\"password\": \"$user-password\"}}"
done
echo "export KINTO_WRITER=writer:writer-password KINTO_READER=reader:reader-password"
wait
