#!/usr/bin/env bash
# Redmine 5.0.4 of Debian 12 on 127.0.0.1:8889 until Ctrl-C, with SQLite, in the folder that is named.
# Usage: serve.sh FOLDER, after: apt-get install redmine redmine-sqlite puma
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
instance="$1/instances/createflow"
mkdir -p "$1"
cp --recursive /usr/share/redmine/. "$1"
rm "$1/instances" "$1/config/database.yml" "$1/Gemfile.lock"
cp --dereference /usr/share/redmine/Gemfile.lock "$1/Gemfile.lock"
echo 'gem "puma"' >"$1/Gemfile.local"
mkdir -p "$instance"/{config,files,log,tmp,public/plugin_assets}
cat >"$instance/config/database.yml" <<END
production:
  adapter: sqlite3
  database: $instance/redmine.sqlite3
  timeout: 5000
END
export RAILS_ENV=production REDMINE_INSTANCE=createflow REDMINE_LANG=en
cd "$1"
bin/rails secret >"$instance/config/secret_key.txt"
bin/rake --silent db:migrate >"$instance/log/setup.log"
bin/rake --silent redmine:load_default_data >>"$instance/log/setup.log"
bin/rails runner "$here/accounts.rb"
exec puma --bind tcp://127.0.0.1:8889 --threads 1:1
