#!/usr/bin/env bash
# Datasette 1.0a41 on 127.0.0.1:8001 until Ctrl-C, installed into the folder that is named. Usage: serve.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python3 -m venv "$1" && cd "$1"
bin/pip install --quiet datasette==1.0a41
python3 "$here/create_notes.py"
export DATASETTE_SECRET="only-for-this-example"
echo "export DATASETTE_WRITER=$(bin/datasette create-token writer)"
echo "export DATASETTE_READER=$(bin/datasette create-token other)"
echo "export DATASETTE_EXPIRED=$(bin/datasette create-token writer --expires-after 1)"
exec bin/datasette notes.db --config "$here/datasette.yaml" --host 127.0.0.1 --port 8001
