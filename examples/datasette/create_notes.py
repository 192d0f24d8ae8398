"""Makes notes.db with one table, for trying createflow on Datasette."""

import sqlite3

with sqlite3.connect("notes.db") as database:
    database.execute("create table if not exists notes (id integer primary key, title text not null, note text)")
